package differential_test

import (
	"math"
	"slices"

	"example.com/midplane/adapter/tensor"
)

func init() { differences = append(differences, shapeDifferences...) }

var shapeDifferences = []*difference{
	{"Pad CenterCropPad", func(n *sample, err error) bool { return n.tensorAt(0).Rank() == 0 && says(err, "pad.cc") },
		theirs, "a scalar is refused, though it has no axis to be padded"},
	{"Pad", func(n *sample, err error) bool {
		return n.dtype(3) == tensor.Int32 && says(err, "ParseData type mismatch")
	},
		theirs, "constant axes of int32 are refused"},
	{"Pad", func(n *sample, err error) bool {
		return n.is("mode", "reflect") && n.long(1) && says(err, "reflect")
	}, silent, "a reflection of more elements than there are is refused"},
	{"Pad", func(n *sample, err error) bool {
		return n.is("mode", "wrap") && slices.ContainsFunc(n.ints("pads", 1), func(v int64) bool { return v < 0 })
	}, silent, "what wraps around where the same node crops: what is left in the reference, all in ONNX Runtime"},
	{"Pad", func(n *sample, err error) bool {
		return n.is("mode", "wrap") && n.long(1)
	}, theirs, "a copy of more elements than there are is filled with zeros"},
	{"Pad", func(n *sample, err error) bool {
		return !n.is("mode", "constant") && n.exhausted() && says(err, "fails")
	}, silent, "where an axis has no element, or none that is left, ONNX Runtime refuses some modes, the reference others"},
	{"Slice", func(n *sample, err error) bool {
		far := func(v float64) bool { return v == math.MaxInt32 || v == math.MaxInt64 }
		return n.any(2, far) && n.any(4, negative)
	}, theirs, "the greatest integer as an end means the front where a step is negative"},
	{"Split", func(n *sample, err error) bool { return n.int("num_outputs", 0) > 0 && says(err, "ONNX Runtime fails") },
		silent, "num_outputs that leave a part empty"},
	{"Squeeze", func(n *sample, err error) bool {
		axes := n.ints("axes", 1)
		return axes != nil && len(axes) == 0
	}, theirs, "an empty list of axes is taken as none given"},
}

// exhausted reports whether an axis has no elements when it has been cropped.
func (n *sample) exhausted() bool {
	s := n.tensorAt(0).Shape()
	pads := n.ints("pads", 1)
	if slices.Contains(s, 0) {
		return true
	}
	axes := n.ints("axes", 3)
	for i := range pads[:len(pads)/2] {
		axis := i
		if axes != nil {
			axis = int(axes[i]+int64(len(s))) % len(s)
		}
		if int64(s[axis])+min(0, pads[i])+min(0, pads[i+len(pads)/2]) <= 0 {
			return true
		}
	}
	return false
}

// long reports whether a list of pads, input i, has more than an axis has
// elements besides one.
func (n *sample) long(i int) bool {
	s := n.tensorAt(0).Shape()
	least := slices.Min(s)
	return slices.ContainsFunc(n.ints("pads", i), func(v int64) bool { return v < 0 || v >= int64(least) })
}
