// Logs the machine it runs on in with its Azure managed identity and reads one secret, with HashiCorp's Go client as it
// is. Nothing here is special to this server: VAULT_ADDR says where it is, the client asks Azure's metadata service.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/hashicorp/vault/api/auth/azure"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "go_azure_login:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()

	client, err := api.NewClient(api.DefaultConfig()) // reads VAULT_ADDR, VAULT_CACERT, ...
	if err != nil {
		return err
	}
	mount := envOr("AZURE_MOUNT", "azure")
	method, err := azure.NewAzureAuth(envOr("AZURE_ROLE", "dev-role"), azure.WithMountPath(mount))
	if err != nil {
		return err
	}
	login, err := client.Auth().Login(ctx, method)
	if err != nil {
		return err
	}
	ttl, err := login.TokenTTL()
	if err != nil {
		return err
	}
	fmt.Printf("logged in at auth/%s, policies %v, for %s\n", mount, login.Auth.Policies, ttl)

	secret, err := client.KVv2("secret").Get(ctx, "creds")
	if err != nil {
		return err
	}
	password, ok := secret.Data["password"].(string)
	if !ok {
		return fmt.Errorf("secret/creds has no key password")
	}
	fmt.Printf("password %s (version %d)\n", password, secret.VersionMetadata.Version)

	renewed, err := client.Auth().Token().RenewSelfWithContext(ctx, 600)
	if err != nil {
		return err
	}
	fmt.Printf("renewed for %ds\n", renewed.Auth.LeaseDuration)
	if err := client.Auth().Token().RevokeSelfWithContext(ctx, ""); err != nil {
		return err
	}
	if _, err := client.KVv2("secret").Get(ctx, "creds"); err == nil {
		return fmt.Errorf("a revoked token still reads")
	}
	fmt.Println("revoked, and refused from then on")
	return nil
}

func envOr(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
