//go:build !unix && !windows

package onnx

import (
	"errors"
	"os"
)

// mapFile says that files are not mapped here.
func mapFile(*os.File, int) (data []byte, unmap func() error, err error) {
	return nil, nil, errors.ErrUnsupported
}
