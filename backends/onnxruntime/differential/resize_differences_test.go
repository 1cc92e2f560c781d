package differential_test

import (
	"slices"

	"example.com/midplane/adapter/tensor"
)

func init() { differences = append(differences, resizeDifferences...) }

var resizeDifferences = []*difference{
	{"AffineGrid", func(n *sample, err error) bool {
		return n.dtype(0) == tensor.Float16 && says(err, "running Split node")
	},
		theirs, "the function's body is taken for three axes where there are two"},
	{"AffineGrid", func(n *sample, err error) bool {
		return n.is("align_corners", int64(1)) && slices.Contains(n.ints("", 1)[2:], 1)
	}, silent, "where an axis of one element lies when corners are aligned: 0/0"},
	{"GridSample", func(n *sample, err error) bool {
		return (n.is("mode", "cubic") || n.is("mode", "bicubic")) && n.is("padding_mode", "border")
	}, silent, "a position beyond the border is moved to it in the reference, as in ONNX's evaluator; ONNX Runtime interpolates there"},
	{"Resize", func(n *sample, err error) bool {
		return n.schema.Since == 10 && n.is("mode", "nearest") && n.any(1, func(v float64) bool { return v < 1 })
	}, silent, "which element is nearest where version 10 makes an axis shorter: the one before in the reference, the one behind in ONNX Runtime"},
	{"Resize Upsample", func(n *sample, err error) bool { return n.dtype(0).IsInteger() && !n.is("mode", "nearest") },
		silent, "whether interpolated integers are rounded or cut"},
	{"Resize", func(n *sample, err error) bool {
		return n.dtype(1).IsFloat() && n.dtype(1) != tensor.Float32 && n.is("coordinate_transformation_mode", "tf_crop_and_resize")
	},
		theirs, "the region is read as if it were float32"},
	{"Resize", func(n *sample, err error) bool {
		return n.is("coordinate_transformation_mode", "tf_crop_and_resize") && (says(err, ",0") || says(err, "0]"))
	}, theirs, "a crop of less than one element gives one element"},
	{"Resize", func(n *sample, err error) bool {
		return n.is("coordinate_transformation_mode", "tf_crop_and_resize") && len(n.inputs) == 3 && says(err, "ONNX Runtime has")
	}, theirs, "the size that constant scales give leaves out the region"},
	{"Resize", func(n *sample, err error) bool {
		return n.is("coordinate_transformation_mode", "tf_crop_and_resize") && n.keeps()
	}, theirs, "an axis that keeps its extent is not cropped"},
	{"Resize", func(n *sample, err error) bool { return n.is("coordinate_transformation_mode", "align_corners") },
		silent, "the length that a scale gives is a fraction in the reference, as in ONNX's evaluator; ONNX Runtime cuts it first, as the text says"},
	{"Resize", func(n *sample, err error) bool {
		return n.is("exclude_outside", int64(1)) && says(err, "exclude_outside")
	},
		theirs, "exclude_outside is refused where the mode is linear"},
	{"Resize", func(n *sample, err error) bool { return says(err, "Number of elements of input 'sizes' (0)") },
		theirs, "sizes of unknown length are taken as none"},
}

// keeps reports whether one of the last two axes keeps its extent.
func (n *sample) keeps() bool {
	s := n.tensorAt(0).Shape()
	for i := max(0, len(s)-2); i < len(s); i++ {
		if t := n.tensorAt(2); t != nil && t.Len() > 0 && t.Float64s()[i] == 1 {
			return true
		}
		if t := n.tensorAt(3); t != nil && t.Int64s()[t.Len()-len(s)+i] == int64(s[i]) {
			return true
		}
	}
	return false
}
