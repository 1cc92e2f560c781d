package differential_test

import (
	"slices"
	"strings"
)

func init() { differences = append(differences, convDifferences...) }

var convDifferences = []*difference{
	{"AveragePool MaxPool LpPool", func(n *sample, err error) bool { return n.same() && n.strides() },
		theirs, "a window that is shorter than its stride gets a negative padding"},
	{"AveragePool MaxPool LpPool", func(n *sample, err error) bool { return n.same() && n.dilated() },
		theirs, "the padding of auto_pad leaves out the dilation"},
	{"AveragePool MaxPool LpPool", func(n *sample, err error) bool { return n.is("auto_pad", "VALID") && n.is("ceil_mode", int64(1)) },
		theirs, "with ceil_mode, VALID gives one window more than the specification's formula"},
	{"Col2Im", func(n *sample, err error) bool { return n.tensorAt(1).Len() != 2 && (n.has("pads") || n.dilated()) },
		theirs, "paddings and dilations go wrong for one spatial axis, and for three"},
	{"Conv ConvInteger QLinearConv", func(n *sample, err error) bool { return n.same() && says(err, "Dilation not supported") },
		theirs, "a dilation is refused where auto_pad is SAME"},
	{"ConvTranspose", func(n *sample, err error) bool { return n.schema.Since == 1 && len(n.ints("output_shape", -1)) > 0 },
		theirs, "output_shape splits an odd padding as since version 11"},
	{"ConvTranspose", func(n *sample, err error) bool { return n.same() && n.strides() },
		theirs, "auto_pad SAME gives fewer elements than stride times input where the stride is greater than the kernel"},
	{"MaxUnpool", func(n *sample, err error) bool { return len(n.inputs) > 2 },
		theirs, "indices count in output_shape, not in the shape that was pooled"},
}

// same reports whether auto_pad is one of the two SAMEs.
func (n *sample) same() bool { return n.is("auto_pad", "SAME_UPPER") || n.is("auto_pad", "SAME_LOWER") }

// dilated reports whether a dilation is greater than one.
func (n *sample) dilated() bool {
	return slices.ContainsFunc(n.ints("dilations", -1), func(v int64) bool { return v > 1 })
}

// strides reports whether a stride is greater than the window, with its
// dilation, is long.
func (n *sample) strides() bool {
	kernel := n.ints("kernel_shape", -1)
	if w := n.tensorAt(1); w != nil && strings.Contains(n.schema.Name, "Conv") {
		kernel = wide(w.Shape()[2:])
	}
	dilations := n.ints("dilations", -1)
	for i, stride := range n.ints("strides", -1) {
		reach := kernel[i]
		if dilations != nil {
			reach = (reach-1)*dilations[i] + 1
		}
		if stride > reach {
			return true
		}
	}
	return false
}
