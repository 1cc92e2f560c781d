//go:build !static

package main

import (
	_ "example.com/midplane/backends/onnxruntime"
)
