// Package isa says which vector instructions of the processor are used.
//
// The environment variable MIDPLANE_CPU masks instructions that the processor
// has, for tests and comparisons: "amx", "avx512", "avx2" or "generic" (plain Go)
// is the best level that may be used. It is read once, at start.
//
// The tiles of AMX are 8 KiB of state that the system saves with a thread only
// where the process has asked for it, which is done at start where that level is
// the best. Once granted, the system refuses signal stacks too small for that
// state; those of Go are large enough.
package isa

import (
	"fmt"
	"os"
)

// Variable is the environment variable that masks instructions.
const Variable = "MIDPLANE_CPU"

// Level is a set of instructions. Higher levels include lower ones.
type Level uint8

// The levels.
const (
	Generic Level = iota // plain Go
	AVX2                 // AVX2, FMA and F16C
	AVX512               // AVX-512 F, BW, DQ and VL
	AMX                  // tiles and their products of bytes; AVX-512 VNNI
)

var names = [...]string{"generic", "avx2", "avx512", "amx"}

// String returns the level's name, as in MIDPLANE_CPU.
func (l Level) String() string { return names[l] }

// Best is the level that kernels use. VNNI says whether products of bytes have
// instructions of their own at that level.
var (
	Best Level
	VNNI bool
)

// Err says what is wrong with MIDPLANE_CPU, nil if nothing is. The processor's
// best level is used then.
var Err error

func init() {
	has, vnni := detect()
	Best, Err = masked(has, os.Getenv(Variable))
	if Best == AMX && !permitTiles() {
		Best = AVX512
	}
	VNNI = vnni && Best >= AVX512
}

// masked returns the lower of a level and the one that is named; an empty name
// is no mask.
func masked(has Level, name string) (Level, error) {
	if name == "" {
		return has, nil
	}
	for l, known := range names {
		if name == known {
			return min(has, Level(l)), nil
		}
	}
	return has, fmt.Errorf("the environment variable %s is %q; it takes amx, avx512, avx2 or generic", Variable, name)
}

// Available lists the levels that this process may use, the least first.
func Available() []Level {
	var levels []Level
	for l := Generic; l <= Best; l++ {
		levels = append(levels, l)
	}
	return levels
}
