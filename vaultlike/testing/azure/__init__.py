"""An imaginary Azure: Entra, Resource Manager, Graph and the metadata services, for development and tests.

`AzureEmulator` is the whole of it; `world` has the ids of the default world, `model` what a world is made of.
"""

from vaultlike.testing.azure.control import Control
from vaultlike.testing.azure.faults import Fault
from vaultlike.testing.azure.server import AzureEmulator
from vaultlike.testing.azure.tokens import TokenOrder

__all__ = ["AzureEmulator", "Control", "Fault", "TokenOrder"]
