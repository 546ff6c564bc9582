// Infisical's Go SDK, as it is, against this server: logs in, reads and writes secrets. Azure auth where it is asked for.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	infisical "github.com/infisical/go-sdk"
)

func main() {
	log.SetFlags(0)
	off := false
	client := infisical.NewInfisicalClient(context.Background(), infisical.Config{
		SiteUrl: os.Getenv("INFISICAL_URL"), AutoTokenRefresh: &off, SilentMode: true,
	})
	project := os.Getenv("INFISICAL_PROJECT_ID")

	var err error
	if os.Getenv("INFISICAL_METHOD") == "azure" {
		_, err = client.Auth().AzureAuthLogin(os.Getenv("INFISICAL_IDENTITY_ID"), os.Getenv("INFISICAL_AZURE_RESOURCE"))
	} else {
		_, err = client.Auth().UniversalAuthLogin(os.Getenv("INFISICAL_CLIENT_ID"), os.Getenv("INFISICAL_CLIENT_SECRET"))
	}
	check(err)

	dsn, err := client.Secrets().Retrieve(infisical.RetrieveSecretOptions{
		SecretKey: "DSN", Environment: "dev", ProjectID: project, SecretPath: "/", ExpandSecretReferences: true,
	})
	check(err)
	fmt.Printf("%s = %s (version %d)\n", dsn.SecretKey, dsn.SecretValue, dsn.Version)

	found, err := client.Secrets().List(infisical.ListSecretsOptions{
		Environment: "dev", ProjectSlug: "demo", SecretPath: "/", Recursive: true, IncludeImports: true,
	})
	check(err)
	fmt.Println("listed", len(found))

	_, err = client.Secrets().Create(infisical.CreateSecretOptions{
		SecretKey: "KEY", SecretValue: "one", Environment: "dev", ProjectID: project, SecretPath: "/",
	})
	check(err)
	changed, err := client.Secrets().Update(infisical.UpdateSecretOptions{
		SecretKey: "KEY", NewSecretValue: "two", Environment: "dev", ProjectID: project, SecretPath: "/",
	})
	check(err)
	fmt.Printf("%s = %s (version %d)\n", changed.SecretKey, changed.SecretValue, changed.Version)
	made, err := client.Secrets().Batch().Create(infisical.BatchCreateSecretsOptions{
		Environment: "dev", ProjectID: project, SecretPath: "/",
		Secrets: []infisical.BatchCreateSecret{{SecretKey: "B1", SecretValue: "1"}, {SecretKey: "B2", SecretValue: "2"}},
	})
	check(err)
	fmt.Println("made", len(made))
	_, err = client.Secrets().Delete(infisical.DeleteSecretOptions{
		SecretKey: "KEY", Environment: "dev", ProjectID: project, SecretPath: "/",
	})
	check(err)
	folders, err := client.Folders().List(infisical.ListFoldersOptions{
		ProjectID: project, Environment: "dev", Path: "/",
	})
	check(err)
	fmt.Println("folders", folders[0].Name)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
