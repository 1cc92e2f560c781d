//go:build !amd64 || noasm || !gc

package matrix

func addAvailable(map[string]*kernels) {}

func addFilters(map[string]planewise) {}
