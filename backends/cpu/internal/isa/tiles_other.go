//go:build !linux || !amd64 || noasm || !gc

package isa

func permitTiles() bool { return false }
