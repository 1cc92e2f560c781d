//go:build !static && !riscv64

package main

import (
	_ "example.com/midplane/cmd/midplane/onnxgo"
)
