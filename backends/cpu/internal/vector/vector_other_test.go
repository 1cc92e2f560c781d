//go:build !amd64 || noasm || !gc

package vector

import "testing"

// eachTier runs a test with the plain functions, the only ones here.
func eachTier(t *testing.T, test func(t *testing.T)) { test(t) }
