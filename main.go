// Command terraform-provider-rime is the Terraform provider for managed images. Terraform starts it.
package main

import (
	"context"
	"flag"
	"log"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/managed-images/terraform-provider-rime/internal/lifeline"
	"github.com/managed-images/terraform-provider-rime/internal/planmemory"
	"github.com/managed-images/terraform-provider-rime/internal/provider"
)

// version is set by the linker.
var version = "dev"

func main() {
	debug := flag.Bool("debug", false, "serve for a debugger, until interrupted")
	flag.Parse()
	if !*debug {
		go exitAfter(os.Getppid())
	}
	var end provider.End
	err := providerserver.Serve(context.Background(), provider.New(version, provider.WithEnd(&end), provider.WithMemory(planmemory.New(lifeline.DataDirectory()))), providerserver.ServeOpts{
		Address:         "registry.terraform.io/managed-images/rime",
		Debug:           *debug,
		ProtocolVersion: 6,
	})
	if err != nil {
		log.Fatal(err)
	}
	end.Come()
}
