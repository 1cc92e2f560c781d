//go:build static

package main

import "example.com/midplane/cmd/midplane/command"

// A static build cannot load shared libraries.
func init() { command.LeftOut = []string{"onnxruntime"} }
