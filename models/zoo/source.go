package zoo

import (
	"hash/fnv"
	"math"
	"unsafe"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/random"
	"example.com/midplane/adapter/tensor"
)

// source draws numbers. Those it draws are uniform, since these have the same
// bits on every processor.
type source struct{ seed, next uint64 }

// seedOf makes a seed of a name.
func seedOf(name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return h.Sum64()
}

// fill sets every element to a number of mean 0 and the given deviation.
func (s *source) fill(to []float32, deviation float64) {
	if len(to) == 0 {
		return
	}
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(to))), 4*len(to))
	if err := random.Uniform.Draw(b, tensor.Float32, driver.GeneratorState{Seed: s.seed, Offset: s.next}); err != nil {
		panic(err) // float32 numbers can be drawn
	}
	s.next += uint64(len(to))
	width := float32(2 * math.Sqrt(3) * deviation)
	for i, u := range to {
		to[i] = (u - 0.5) * width
	}
}

// fill makes an input.
type fill func(s *source, t tensor.Type) *tensor.Tensor

// extents returns the shape of an input; what is unknown is 1.
func extents(t tensor.Type) tensor.Shape {
	shape := make(tensor.Shape, len(t.Dims))
	for i, d := range t.Dims {
		shape[i] = max(d.Size, 1)
	}
	return shape
}

// anything draws float32 numbers of variance 1.
func anything(s *source, t tensor.Type) *tensor.Tensor { return shaped(s, extents(t)) }

func shaped(s *source, shape tensor.Shape) *tensor.Tensor {
	v := tensor.Zeros(tensor.Float32, shape)
	s.fill(tensor.Slice[float32](v), 1)
	return v
}

// of makes a fill of float32 numbers of a shape that the model leaves open.
func of(shape ...int) fill {
	return func(s *source, _ tensor.Type) *tensor.Tensor { return shaped(s, shape) }
}

// tokens makes a fill of integers below a limit.
func tokens(limit int, shape ...int) fill {
	return func(s *source, _ tensor.Type) *tensor.Tensor {
		u := shaped(s, shape)
		v := tensor.Zeros(tensor.Int64, shape)
		to := tensor.Slice[int64](v)
		for i, x := range tensor.Slice[float32](u) {
			at := (float64(x)/(2*math.Sqrt(3)) + 0.5) * float64(limit)
			to[i] = int64(min(max(int(at), 0), limit-1))
		}
		return v
	}
}

// counted makes a fill of the integers from a first one on, in every row.
func counted(first int, shape ...int) fill {
	return func(*source, tensor.Type) *tensor.Tensor {
		v := tensor.Zeros(tensor.Int64, shape)
		to, row := tensor.Slice[int64](v), shape[len(shape)-1]
		for i := range to {
			to[i] = int64(first + i%row)
		}
		return v
	}
}

// alike makes a fill of one integer.
func alike(value int64, shape ...int) fill {
	return func(*source, tensor.Type) *tensor.Tensor {
		v := tensor.Zeros(tensor.Int64, shape)
		to := tensor.Slice[int64](v)
		for i := range to {
			to[i] = value
		}
		return v
	}
}
