// Command midplane is midplane's command line with this backend in it.
package main

import (
	"os"

	"example.com/midplane/cmd/midplane/command"

	_ "example.com/newbackend"
)

func main() { os.Exit(command.Main(os.Args[1:], os.Stdout, os.Stderr)) }
