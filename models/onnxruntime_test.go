//go:build !static

package models_test

import _ "example.com/midplane/backends/onnxruntime"

func init() { others = append(others, "onnxruntime") }
