package models_test

import (
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
	"example.com/midplane/models/plan"
	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/reference"
)

// huge are extents that no machine holds: one that fits an int and is too much
// memory, one whose products overflow, and the largest there is.
var huge = []int64{1 << 42, 1 << 62, math.MaxInt64}

// bomb is one node whose output is as large as its last input says.
type bomb struct {
	name  string
	size  func(n int64) *tensor.Tensor // the input that says how large
	build func(s *sketch, size *graph.Value) *graph.Value
}

func vector(n ...int64) *tensor.Tensor { return tensor.Of(n, len(n)) }

func scalar(n int64) *tensor.Tensor { return tensor.Scalar(n) }

// floats adds a constant of zeros.
func (s *sketch) floats(dims ...int) *graph.Value {
	return s.Const(tensor.Zeros(tensor.Float32, dims))
}

var bombs = []bomb{
	{"ConstantOfShape", func(n int64) *tensor.Tensor { return vector(n) }, func(s *sketch, size *graph.Value) *graph.Value {
		return s.Op("ConstantOfShape", []*graph.Value{size})
	}},
	{"ConstantOfShape of bytes", func(n int64) *tensor.Tensor { return vector(2, n) }, func(s *sketch, size *graph.Value) *graph.Value {
		return s.Op("ConstantOfShape", []*graph.Value{size}, graph.A("value", tensor.Of([]int8{1}, 1)))
	}},
	{"ConstantOfShape of strings", func(n int64) *tensor.Tensor { return vector(n) }, func(s *sketch, size *graph.Value) *graph.Value {
		return s.Op("ConstantOfShape", []*graph.Value{size}, graph.A("value", tensor.Of([]string{"x"}, 1)))
	}},
	{"Expand", func(n int64) *tensor.Tensor { return vector(n, 1) }, func(s *sketch, size *graph.Value) *graph.Value {
		return s.Op("Expand", []*graph.Value{s.floats(1), size})
	}},
	{"Tile", func(n int64) *tensor.Tensor { return vector(n) }, func(s *sketch, size *graph.Value) *graph.Value {
		return s.Op("Tile", []*graph.Value{s.floats(3), size})
	}},
	{"Range", scalar, func(s *sketch, size *graph.Value) *graph.Value {
		return s.Op("Range", []*graph.Value{s.Const(scalar(0)), size, s.Const(scalar(1))})
	}},
	{"Pad", func(n int64) *tensor.Tensor { return vector(0, n) }, func(s *sketch, size *graph.Value) *graph.Value {
		return s.Op("Pad", []*graph.Value{s.floats(2), size})
	}},
	{"Pad at both ends", func(n int64) *tensor.Tensor { return vector(n, n) }, func(s *sketch, size *graph.Value) *graph.Value {
		return s.Op("Pad", []*graph.Value{s.floats(2), size}, graph.A("mode", "wrap"))
	}},
	{"OneHot", scalar, func(s *sketch, size *graph.Value) *graph.Value {
		return s.Op("OneHot", []*graph.Value{s.Const(vector(1, 2)), size, s.floats(2)})
	}},
	{"Resize", func(n int64) *tensor.Tensor { return vector(1, 1, n, 1) }, func(s *sketch, size *graph.Value) *graph.Value {
		return s.Op("Resize", []*graph.Value{s.floats(1, 1, 2, 2), nil, nil, size}, graph.A("mode", "linear"))
	}},
	{"Resize, antialiased", func(n int64) *tensor.Tensor { return vector(1, 1, 1, n) }, func(s *sketch, size *graph.Value) *graph.Value {
		return s.Op("Resize", []*graph.Value{s.floats(1, 1, 2, 2), nil, nil, size}, graph.A("mode", "cubic"), graph.A("antialias", int64(1)))
	}},
	{"Resize by scales", func(n int64) *tensor.Tensor { return tensor.Of([]float32{1, 1, float32(n), 1}) }, func(s *sketch, size *graph.Value) *graph.Value {
		return s.Op("Resize", []*graph.Value{s.floats(1, 1, 2, 2), nil, size})
	}},
	{"Reshape", func(n int64) *tensor.Tensor { return vector(n, 0) }, func(s *sketch, size *graph.Value) *graph.Value {
		return s.Op("Reshape", []*graph.Value{s.floats(0), size}, graph.A("allowzero", int64(1)))
	}},
	{"CenterCropPad", func(n int64) *tensor.Tensor { return vector(n) }, func(s *sketch, size *graph.Value) *graph.Value {
		return s.Op("CenterCropPad", []*graph.Value{s.floats(2), size})
	}},
	{"Col2Im", func(n int64) *tensor.Tensor { return vector(n, 1) }, func(s *sketch, size *graph.Value) *graph.Value {
		return s.Op("Col2Im", []*graph.Value{s.floats(1, 1, 1), size, s.Ints(1, 1)})
	}},
	{"MaxUnpool", func(n int64) *tensor.Tensor { return vector(1, 1, n) }, func(s *sketch, size *graph.Value) *graph.Value {
		return s.Op("MaxUnpool", []*graph.Value{s.floats(1, 1, 1), s.Const(tensor.Zeros(tensor.Int64, tensor.Shape{1, 1, 1})), size}, graph.A("kernel_shape", []int64{1}))
	}},
	{"AffineGrid", func(n int64) *tensor.Tensor { return vector(1, 1, n, 1) }, func(s *sketch, size *graph.Value) *graph.Value {
		return s.Op("AffineGrid", []*graph.Value{s.floats(1, 2, 3), size})
	}},
	{"DFT", scalar, func(s *sketch, size *graph.Value) *graph.Value {
		return s.Op("DFT", []*graph.Value{s.floats(1, 4, 1), size, s.Const(scalar(1))})
	}},
	{"HannWindow", scalar, func(s *sketch, size *graph.Value) *graph.Value {
		return s.Op("HannWindow", []*graph.Value{size})
	}},
	{"BlackmanWindow", scalar, func(s *sketch, size *graph.Value) *graph.Value {
		return s.Op("BlackmanWindow", []*graph.Value{size})
	}},
	{"MelWeightMatrix", scalar, func(s *sketch, size *graph.Value) *graph.Value {
		one := s.Const(tensor.Scalar(float32(1)))
		return s.Op("MelWeightMatrix", []*graph.Value{size, s.Const(scalar(16)), s.Const(scalar(8000)), one, s.Const(tensor.Scalar(float32(4000)))})
	}},
	{"MelWeightMatrix of long spectra", scalar, func(s *sketch, size *graph.Value) *graph.Value {
		one := s.Const(tensor.Scalar(float32(1)))
		return s.Op("MelWeightMatrix", []*graph.Value{s.Const(scalar(8)), size, s.Const(scalar(8000)), one, s.Const(tensor.Scalar(float32(4000)))})
	}},
	{"TopK", func(n int64) *tensor.Tensor { return vector(n) }, func(s *sketch, size *graph.Value) *graph.Value {
		return s.Node("", "TopK", []*graph.Value{s.floats(3), size}, 2)[0]
	}},
	{"STFT", scalar, func(s *sketch, size *graph.Value) *graph.Value {
		return s.Op("STFT", []*graph.Value{s.floats(1, 8, 1), s.Const(scalar(1)), nil, size})
	}},
	{"Slice", func(n int64) *tensor.Tensor { return vector(n) }, func(s *sketch, size *graph.Value) *graph.Value {
		return s.Op("Slice", []*graph.Value{s.floats(3), s.Ints(0), size, s.Ints(0), size})
	}},
	{"Unsqueeze", func(n int64) *tensor.Tensor { return vector(n) }, func(s *sketch, size *graph.Value) *graph.Value {
		return s.Op("Unsqueeze", []*graph.Value{s.floats(3), size})
	}},
	{"Gather", func(n int64) *tensor.Tensor { return vector(n) }, func(s *sketch, size *graph.Value) *graph.Value {
		return s.Op("Gather", []*graph.Value{s.floats(3), size})
	}},
	{"Split", func(n int64) *tensor.Tensor { return vector(n, -n) }, func(s *sketch, size *graph.Value) *graph.Value {
		return s.Node("", "Split", []*graph.Value{s.floats(3), size}, 2)[0]
	}},
	{"Trilu", scalar, func(s *sketch, size *graph.Value) *graph.Value {
		return s.Op("Trilu", []*graph.Value{s.floats(2, 2), size})
	}},
}

// harmless are the nodes above that a huge number does not make large.
var harmless = map[string]bool{"Slice": true, "Trilu": true, "Reshape": true}

// What a few bytes in a file or an input ask to be huge is refused without being
// made, whether the number stands in the model, where folding and inference see
// it, or comes with a run. The reference refuses it too, without a plan in front
// of it.
func TestHugeShapes(t *testing.T) {
	on(t, func(t *testing.T, device string) {
		for _, b := range bombs {
			t.Run(b.name, func(t *testing.T) {
				for _, n := range huge {
					s := newSketch("constant")
					s.output("y", s.Op("Identity", []*graph.Value{b.build(s, s.Const(b.size(n)))}))
					b.defused(t, s, device, nil)

					s = newSketch("input")
					size := b.size(n)
					in := s.input("size", size.DType())
					in.Type = size.Type()
					s.output("y", s.Op("Identity", []*graph.Value{b.build(s, in)}))
					b.defused(t, s, device, values{"size": size})
				}
			})
		}
	})
}

func (b bomb) defused(t *testing.T, s *sketch, device string, in values) {
	t.Helper()
	model := s.bytes(t)
	within(t, bound{2 * time.Second, 64 << 20}, func() {
		err := loadAndRun(model, one(device), in)
		if !harmless[b.name] {
			refused(t, err)
		}
		_, err = reference.Evaluate(context.Background(), s.done(), slices.Collect(maps.Values(in)))
		if !harmless[b.name] {
			assert.Error(t, err)
		}
	})
}

// loadAndRun returns the first error.
func loadAndRun(model []byte, o *models.Options, in values) error {
	session, err := models.LoadBytes(context.Background(), model, o)
	if err != nil {
		return err
	}
	_, err = session.Run(context.Background(), in)
	return errors.Join(err, session.Close())
}

// refused checks that an error says what kind it is, or which node it is about,
// and is none that the Go runtime made.
func refused(t *testing.T, err error) {
	t.Helper()
	require.Error(t, err)
	var node *plan.NodeError
	kinds := []error{models.ErrModel, adapter.OutOfMemory, adapter.Unsupported, adapter.Canceled, adapter.InvalidArgument}
	kind := slices.ContainsFunc(kinds, func(kind error) bool { return errors.Is(err, kind) })
	assert.True(t, kind || errors.As(err, &node), "%v", err)
	if !errors.Is(err, adapter.Canceled) {
		assert.Regexp(t, `node |nodes |graph |function |initializer |the model |file |there are no bytes|copying "`, err.Error())
	}
	for _, words := range []string{"runtime error", "makeslice", "nil pointer", "out of range", "cannot take"} {
		assert.NotContains(t, err.Error(), words)
	}
}
