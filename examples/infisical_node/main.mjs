// Infisical's Node SDK, as it is, against this server: logs in with universal auth, reads and writes secrets, renews.
import { InfisicalSDK } from "@infisical/sdk";

const { INFISICAL_URL, INFISICAL_CLIENT_ID, INFISICAL_CLIENT_SECRET, INFISICAL_PROJECT_ID } = process.env;
const where = { projectId: INFISICAL_PROJECT_ID, environment: "dev" };

const client = new InfisicalSDK({ siteUrl: INFISICAL_URL });
await client.auth().universalAuth.login({ clientId: INFISICAL_CLIENT_ID, clientSecret: INFISICAL_CLIENT_SECRET });

const dsn = await client.secrets().getSecret({ ...where, secretName: "DSN" });
console.log(`${dsn.secretKey} = ${dsn.secretValue} (version ${dsn.version})`);

const found = await client.secrets().listSecretsWithImports({ ...where, recursive: true });
console.log("listed", found.map((one) => `${one.secretPath.replace(/\/$/, "")}/${one.secretKey}`).join(", "));

await client.secrets().createSecret("KEY", { ...where, secretValue: "one" });
const changed = (await client.secrets().updateSecret("KEY", { ...where, secretValue: "two" })).secret ?? {};
console.log(`${changed.secretKey} = ${changed.secretValue} (version ${changed.version})`);
await client.secrets().deleteSecret("KEY", where);
await client.secrets().getSecret({ ...where, secretName: "KEY" }).catch((gone) => {
  console.log("deleted:", /StatusCode=(\d+)/.exec(gone.message)[1]);
});

await client.folders().create({ ...where, name: "cache", path: "/" });
const folders = await client.folders().listFolders({ ...where, path: "/", recursive: true });
console.log("folders", folders.map((one) => one.name).join(", "));

await client.auth().universalAuth.renew();
const again = await client.secrets().getSecret({ ...where, secretName: "DSN" });
console.log("renewed, and still", again.secretValue === dsn.secretValue ? "the same" : "another");
