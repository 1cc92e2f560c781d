package cell

import (
	"math/rand/v2"

	"example.com/midplane/adapter/tensor"
)

// sequences holds operators on sequences, optionals and maps, which live on the
// host.
var sequences = family{
	"SequenceConstruct":  {classes: classes("one"), shapes: listed, host: true, draw: sequenceConstruct},
	"SequenceEmpty":      {classes: []string{"typed"}, shapes: []Shape{Rank1}, typed: "S", host: true, draw: sequenceEmpty},
	"SequenceInsert":     {classes: classes("front", "negative"), shapes: listed, host: true, draw: sequenceInsert},
	"SequenceErase":      {classes: classes("front", "negative"), shapes: listed, host: true, draw: sequenceErase},
	"SequenceAt":         {classes: classes("negative"), shapes: listed, host: true, draw: sequenceAt},
	"SequenceLength":     {shapes: listed, host: true, draw: func(d *draft) { d.list3(d.shape(2)) }},
	"ConcatFromSequence": {classes: classes("new-axis", "negative-axis"), shapes: []Shape{Rank2, Rank1, Rank3, Dynamic}, host: true, draw: concatFromSequence},
	"SplitToSequence":    {classes: classes("sizes", "chunks", "keepdims0", "axis"), shapes: []Shape{Rank2, Rank1, Rank3, Dynamic}, host: true, draw: splitToSequence},

	"Optional":           {classes: []string{"value", "none"}, shapes: listed, host: true, draw: optional},
	"OptionalGetElement": {classes: classes("tensor"), shapes: listed, host: true, draw: optionalElement},
	"OptionalHasElement": {classes: classes("absent", "tensor", "nothing"), shapes: listed, host: true, draw: optionalElement},

	"ai.onnx.ml.ZipMap":         {classes: []string{"ints", "strings"}, shapes: []Shape{Rank2, Dynamic}, host: true, draw: zipMap},
	"ai.onnx.ml.CastMap":        {classes: []string{"float", "int64", "string", "sparse"}, shapes: []Shape{Rank1}, host: true, draw: castMap},
	"ai.onnx.ml.DictVectorizer": {classes: []string{"ints", "strings"}, shapes: []Shape{Rank1}, host: true, draw: dictVectorizer},
}

var listed = []Shape{Rank2, Scalar, Rank1, Dynamic}

// contained adds an operand that is no tensor.
func (d *draft) contained(t tensor.Type, value func(r *rand.Rand) tensor.Value) {
	d.put(len(d.operands), &operand{typ: t, role: plain, value: value})
}

// element returns the type of the cell's tensors, of any shape.
func (d *draft) element() tensor.Type { return tensor.TensorType(d.DType, nil) }

// list3 adds a sequence of three tensors of a shape.
func (d *draft) list3(s tensor.Shape) {
	d.contained(tensor.SequenceType(d.element()), func(r *rand.Rand) tensor.Value {
		return threeOf(r, d.DType, s)
	})
}

func threeOf(r *rand.Rand, t tensor.DType, s tensor.Shape) *tensor.Sequence {
	list := &tensor.Sequence{Elem: tensor.TensorType(t, nil)}
	for range 3 {
		list.Items = append(list.Items, uniform(r, t, s, -3, 3))
	}
	return list
}

func sequenceConstruct(d *draft) {
	s := d.shape(2)
	d.real(s, -3, 3)
	if !d.is("one") {
		d.real(s, -3, 3)
		d.real(s, -3, 3)
	}
}

func sequenceEmpty(d *draft) { d.int("dtype", int(d.DType)) }

// place adds the index of an element of three.
func (d *draft) place() {
	switch d.Attributes {
	case "front":
		d.in(tensor.Shape{}, plain, exactly(0), tensor.Int64)
	case "negative":
		d.in(tensor.Shape{}, plain, exactly(-2), tensor.Int32)
	}
}

func sequenceInsert(d *draft) {
	s := d.shape(2)
	d.list3(s)
	d.in(s, plain, between(-3, 3), d.DType)
	d.place()
}

func sequenceErase(d *draft) {
	d.list3(d.shape(2))
	d.place()
}

func sequenceAt(d *draft) {
	d.list3(d.shape(2))
	if d.is("default") {
		d.in(tensor.Shape{}, plain, exactly(1), tensor.Int64)
	}
	d.place()
}

func concatFromSequence(d *draft) {
	d.list3(d.shape(2))
	switch d.Attributes {
	case "new-axis":
		d.int("axis", 1)
		d.flag("new_axis")
	case "negative-axis":
		d.int("axis", -1)
	default:
		d.int("axis", 0)
	}
}

func splitToSequence(d *draft) {
	s := d.shape(2)
	axis := 0
	if d.is("axis") {
		axis = len(s) - 1
		d.int("axis", axis)
	}
	s[axis] = 5
	d.real(s, -3, 3)
	switch d.Attributes {
	case "sizes":
		d.in(tensor.Shape{2}, weight, exactly(2, 3))
	case "chunks":
		d.in(tensor.Shape{}, weight, exactly(2))
	case "keepdims0":
		d.int("keepdims", 0)
	}
}

func optional(d *draft) {
	if d.is("none") {
		attr(d, "type", d.element())
		return
	}
	d.in(d.shape(2), plain, between(-3, 3), d.DType)
}

// optionalElement looks into an optional, or since version 18 at a tensor.
func optionalElement(d *draft) {
	s := d.shape(2)
	if d.is("nothing") {
		d.only(d.schema.MinInputs == 0 && d.DType == tensor.Float32 && d.Cell.Shape == Rank2)
		return
	}
	if d.is("tensor") {
		d.only(d.Version >= 18)
		d.in(s, plain, between(-3, 3), d.DType)
		return
	}
	d.contained(tensor.OptionalType(d.element()), func(r *rand.Rand) tensor.Value {
		o := &tensor.Optional{Elem: d.element()}
		if !d.is("absent") {
			o.Item = uniform(r, d.DType, s, -3, 3)
		}
		return o
	})
}

func zipMap(d *draft) {
	d.real(d.examples(3), 0, 1)
	if d.is("ints") {
		d.ints("classlabels_int64s", 10, 20, 30)
		return
	}
	attr(d, "classlabels_strings", []string{"a", "b", "c"})
}

// castMap has a map from integers to the cell's type.
func castMap(d *draft) {
	d.only(d.DType == tensor.Float32 || d.DType == tensor.String)
	d.only(!d.is("string") || d.DType == tensor.String) // how a float is spelt is open
	switch d.Attributes {
	case "float", "sparse":
		d.text("cast_to", "TO_FLOAT")
	case "int64":
		d.text("cast_to", "TO_INT64")
	case "string":
		d.text("cast_to", "TO_STRING")
	}
	if d.is("sparse") {
		d.text("map_form", "SPARSE")
		d.int("max_map", 9)
	}
	d.contained(tensor.MapType(tensor.Int64, tensor.TensorType(d.DType, tensor.Dims{})), func(r *rand.Rand) tensor.Value {
		values := rounded(uniform(r, tensor.Float32, tensor.Shape{3}, 0, 9))
		if d.DType == tensor.String {
			values = numerals(tensor.Int64)(r, tensor.String, tensor.Shape{3})
		}
		return &tensor.Map{Keys: tensor.Of([]int64{1, 4, 6}), Values: values}
	})
}

func dictVectorizer(d *draft) {
	keys, keyed := tensor.Of([]int64{3, 1, 9}), tensor.Int64
	if d.is("strings") {
		keys, keyed = tensor.Of([]string{"c", "a", "z"}), tensor.String
		attr(d, "string_vocabulary", []string{"a", "b", "c"})
	} else {
		d.ints("int64_vocabulary", 1, 2, 3)
	}
	d.only(d.DType != keyed && (d.DType != tensor.String || keyed == tensor.Int64))
	d.contained(tensor.MapType(keyed, tensor.TensorType(d.DType, tensor.Dims{})), func(r *rand.Rand) tensor.Value {
		return &tensor.Map{Keys: keys, Values: uniform(r, d.DType, tensor.Shape{3}, 1, 9)}
	})
}
