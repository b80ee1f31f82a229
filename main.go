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
	var memory planmemory.Memory
	if !*debug { // else many runs of Terraform share this process, and none of them has started it
		go exitAfter(os.Getppid())
		memory = planmemory.New(lifeline.DataDirectory())
	}
	var end provider.End
	err := providerserver.Serve(context.Background(), provider.New(version, provider.WithEnd(&end), provider.WithMemory(memory)), providerserver.ServeOpts{
		Address:         "registry.terraform.io/managed-images/rime",
		Debug:           *debug,
		ProtocolVersion: 6,
	})
	if err != nil {
		log.Fatal(err)
	}
	end.Come()
}
