package onnx

import (
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"example.com/midplane/adapter/tensor"
)

// named is a tensor with the name and documentation that files keep beside it.
type named struct {
	name, doc string
	tensor    *tensor.Tensor
}

// tensorFields is what a TensorProto holds.
type tensorFields struct {
	name, doc string
	dims      []int64
	dtype     tensor.DType
	segment   bool

	raw      []byte   // raw_data, nil where there is none
	strings  [][]byte // string_data
	typed    dataField
	chunks   [][]byte // what stands in the field typed, still encoded
	external bool     // the elements lie in another file
	location map[string]string
}

// dataField is the number of a field of TensorProto that holds elements one by
// one; 0 is none.
type dataField protowire.Number

const (
	floatData  dataField = 4
	int32Data  dataField = 5
	stringData dataField = 6
	int64Data  dataField = 7
	rawData    dataField = 9
	doubleData dataField = 10
	uint64Data dataField = 11
)

var dataFields = map[dataField]string{
	floatData: "float_data", int32Data: "int32_data", stringData: "string_data", int64Data: "int64_data",
	rawData: "raw_data", doubleData: "double_data", uint64Data: "uint64_data",
}

// String returns the field's name in TensorProto.
func (f dataField) String() string { return dataFields[f] }

// fieldOf returns the field that holds the elements of a type where they are
// not raw.
func fieldOf(t tensor.DType) dataField {
	switch t {
	case tensor.Float32, tensor.Complex64:
		return floatData
	case tensor.Float64, tensor.Complex128:
		return doubleData
	case tensor.Int64:
		return int64Data
	case tensor.Uint32, tensor.Uint64:
		return uint64Data
	case tensor.String:
		return stringData
	}
	return int32Data
}

// initializer reads a TensorProto.
func (d *decoder) initializer(b []byte) (named, error) {
	var h tensorFields
	if err := d.tensorFields(b, &h); err != nil {
		return named{name: h.name}, err
	}
	t, err := d.tensor(&h)
	return named{h.name, h.doc, t}, err
}

func (d *decoder) tensorFields(b []byte, h *tensorFields) error {
	f := d.fields(b)
	for f.next() {
		switch f.num {
		case 1:
			h.dims = f.ints(h.dims)
		case 2:
			h.dtype = f.dtype()
		case 3:
			h.segment = true
		case 4:
			h.chunk(&f, floatData, protowire.Fixed32Type)
		case 5:
			h.chunk(&f, int32Data, protowire.VarintType)
		case 6:
			h.strings = append(h.strings, f.message())
		case 7:
			h.chunk(&f, int64Data, protowire.VarintType)
		case 8:
			h.name = f.text()
		case 9:
			h.raw = f.message()
		case 10:
			h.chunk(&f, doubleData, protowire.Fixed64Type)
		case 11:
			h.chunk(&f, uint64Data, protowire.VarintType)
		case 12:
			h.doc = f.text()
		case 13:
			d.entry(&f, &h.location)
		case 14:
			h.external = f.int() == 1
		case 16: // metadata_props
			f.ignore()
		}
	}
	return f.err
}

// chunk notes elements that one field holds.
func (h *tensorFields) chunk(f *fields, typed dataField, elem protowire.Type) {
	b := f.chunk(elem)
	if len(b) == 0 {
		return
	}
	if h.typed != 0 && h.typed != typed {
		f.fail(ErrInvalid, "a tensor has elements in %v and in %v", h.typed, typed)
	}
	h.typed, h.chunks = typed, append(h.chunks, b)
}

// shape returns the extents of a tensor and the number of its elements.
func (h *tensorFields) shape() (tensor.Shape, int, error) {
	if !h.dtype.Valid() {
		return nil, 0, invalid("a tensor needs an element type")
	}
	shape, err := shapeOf(h.dims)
	if err != nil {
		return nil, 0, err
	}
	n, err := shape.Elements()
	if err != nil {
		return nil, 0, invalid("%v", err)
	}
	if n == 0 {
		if err := tensor.Fits(h.dtype, shape); err != nil {
			return nil, 0, invalid("%v", err)
		}
	}
	return shape, n, nil
}

func shapeOf(dims []int64) (tensor.Shape, error) {
	const maxRank = 64 // NumPy's
	if len(dims) > maxRank {
		return nil, errorf(ErrLimit, "a tensor of rank %d, the limit is %d", len(dims), maxRank)
	}
	shape := make(tensor.Shape, len(dims))
	for i, v := range dims {
		if v > math.MaxInt || v < 0 {
			return nil, invalid("dims[%d] is %d, outside [0, %d]", i, v, math.MaxInt)
		}
		shape[i] = int(v)
	}
	return shape, nil
}

// tensor makes a tensor of its fields. Sizes are compared before memory is
// taken.
func (d *decoder) tensor(h *tensorFields) (*tensor.Tensor, error) {
	shape, n, err := h.shape()
	if err != nil {
		return nil, err
	}
	if err := h.onePlace(); err != nil {
		return nil, err
	}
	switch {
	case h.external:
		return d.externalTensor(h, shape, n)
	case n == 0 && len(h.raw) == 0 && h.typed == 0 && len(h.strings) == 0:
		return tensor.New(h.dtype, shape)
	case h.dtype == tensor.String:
		return stringTensor(h, shape, n)
	case h.raw != nil && h.typed == 0:
		return d.rawTensor(h.dtype, shape, n, h.raw, rawData)
	case h.typed == floatData || h.typed == doubleData:
		return d.rawTensor(h.dtype, shape, n, join(h.chunks), h.typed)
	}
	return integerTensor(h, shape, n)
}

// onePlace checks that the elements are where their type has them, and nowhere
// else.
func (h *tensorFields) onePlace() error {
	if h.segment {
		return invalid("tensors in segments are not defined by the specification")
	}
	var places []string
	note := func(there bool, place any) {
		if there {
			places = append(places, fmt.Sprint(place))
		}
	}
	note(len(h.raw) > 0, rawData)
	note(len(h.strings) > 0, stringData)
	note(h.typed != 0, h.typed)
	note(h.external, "external_data")
	if len(places) > 1 {
		return invalid("a tensor has elements in %s and in %s", places[0], places[1])
	}
	if h.dtype == tensor.String && (len(h.raw) > 0 || h.external) {
		return invalid("strings are stored in string_data, not in %s", places[0])
	}
	typed := h.typed
	if len(h.strings) > 0 {
		typed = stringData
	}
	if want := fieldOf(h.dtype); typed != 0 && typed != want {
		return invalid("elements of type %v are stored in %v, not in %v", h.dtype, want, typed)
	}
	return nil
}

func stringTensor(h *tensorFields, shape tensor.Shape, n int) (*tensor.Tensor, error) {
	if n != len(h.strings) {
		return nil, wrongCount(h.dtype, shape, n, len(h.strings), stringData)
	}
	elements := make([]string, n)
	for i, s := range h.strings {
		elements[i] = string(s)
	}
	return tensor.FromSlice(shape, elements)
}

func wrongCount(t tensor.DType, shape tensor.Shape, want, got int, where dataField) error {
	return invalid("%v%v takes %d elements of %v, there are %d", t, shape, want, where, got)
}

// rawTensor wraps elements in the byte order of files.
func (d *decoder) rawTensor(t tensor.DType, shape tensor.Shape, n int, b []byte, where any) (*tensor.Tensor, error) {
	if want := t.Bytes(n); want != len(b) {
		return nil, invalid("%v%v takes %d bytes of %v, there are %d", t, shape, want, where, len(b))
	}
	if n == 0 {
		return tensor.New(t, shape)
	}
	return tensor.FromBytes(t, shape, d.native(t, b))
}

// integerTensor decodes varints, each of which holds an element, or one byte of
// packed elements.
func integerTensor(h *tensorFields, shape tensor.Shape, n int) (*tensor.Tensor, error) {
	want := n
	if h.dtype.Packed() {
		want = h.dtype.Bytes(n)
	}
	if got := varints(h.chunks); got != want {
		return nil, wrongCount(h.dtype, shape, want, got, fieldOf(h.dtype))
	}
	t, err := tensor.New(h.dtype, shape)
	if err != nil {
		return nil, err
	}
	put := putter(h.dtype, t.Bytes())
	i := 0
	for _, b := range h.chunks {
		for len(b) > 0 {
			v, k := protowire.ConsumeVarint(b)
			if k < 0 {
				return nil, invalid("element %d of %v is no varint: %v", i, h.typed, protowire.ParseError(k))
			}
			put(i, v)
			i, b = i+1, b[k:]
		}
	}
	return t, nil
}

// varints counts the varints in chunks by their last bytes.
func varints(chunks [][]byte) int {
	n := 0
	for _, b := range chunks {
		for _, c := range b {
			if c < 0x80 {
				n++
			}
		}
	}
	return n
}

// join returns the bytes of all chunks, sharing those of a single one.
func join(chunks [][]byte) []byte {
	if len(chunks) == 1 {
		return chunks[0]
	}
	var all []byte
	for _, b := range chunks {
		all = append(all, b...)
	}
	return all
}
