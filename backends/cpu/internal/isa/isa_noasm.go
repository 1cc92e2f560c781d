//go:build !amd64 || noasm || !gc

package isa

func detect() (l Level, vnni bool) { return Generic, false }
