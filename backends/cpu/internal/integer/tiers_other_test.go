//go:build !amd64 || noasm || !gc

package integer

import "testing"

// available are the plain kernels, the only ones here.
func available() map[string]*kernels { return map[string]*kernels{"generic": &genericKernels} }

// eachTier runs a test with the plain functions, the only ones here.
func eachTier(t *testing.T, test func(t *testing.T)) { test(t) }
