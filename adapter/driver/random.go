package driver

import "example.com/midplane/adapter/tensor"

// Randomizer is implemented by a device that draws random numbers.
//
// Absent: the host draws them, and copies.
type Randomizer interface {
	// NewGenerator returns a generator of its own at offset 0.
	NewGenerator(seed uint64) (Generator, error)
}

// Generator draws from Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel
// random numbers: as easy as 1, 2, 3", SC 2011), so that a seed gives the same
// bits on every device: see package random for how they become floats. A nil
// stream means at once.
type Generator interface {
	// Bits fills a region, of a size that 4 divides, with random words.
	Bits(s Stream, dst Region) error
	// Uniform fills it with float32 or float64 numbers from [0, 1).
	Uniform(s Stream, dst Region, d tensor.DType) error
	// Normal fills it with float32 or float64 numbers of mean 0 and variance 1.
	// They are equal across devices but for the rounding of ln, sin and cos.
	Normal(s Stream, dst Region, d tensor.DType) error
	// State returns where the generator stands, draws enqueued included.
	State() (GeneratorState, error)
	// SetState moves it.
	SetState(state GeneratorState) error
	Close() error
}

// GeneratorState is where a generator stands.
type GeneratorState struct {
	Seed   uint64
	Offset uint64 // 32-bit words drawn
}

// DeterminismSetter is implemented by a device that can be told how far its
// results have to repeat.
//
// Absent: unsupported; nothing is promised.
type DeterminismSetter interface {
	SetDeterminism(level Determinism) error
}

// Determinism says how far results repeat.
type Determinism uint8

// The levels of determinism.
const (
	AnyResult  Determinism = iota // whatever is fastest
	SameDevice                    // the same bits for the same inputs on this device
	SameModel                     // and on every device of its model and driver
)

var determinismNames = [...]string{"any result", "same device", "same model"}

// String returns the level in words.
func (d Determinism) String() string { return nameOf(determinismNames[:], "determinism", d) }
