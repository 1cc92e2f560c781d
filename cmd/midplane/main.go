// Command midplane runs ONNX models on pluggable hardware and scores hardware.
package main

import (
	"os"

	"example.com/midplane/cmd/midplane/command"
)

func main() { os.Exit(command.Main(os.Args[1:], os.Stdout, os.Stderr)) }
