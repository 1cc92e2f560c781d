package command

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"example.com/midplane/adapter/tensor"
)

// npyTypes are the NumPy types that have an element type of their own.
var npyTypes = map[string]tensor.DType{
	"f2": tensor.Float16, "f4": tensor.Float32, "f8": tensor.Float64, "b1": tensor.Bool,
	"i1": tensor.Int8, "i2": tensor.Int16, "i4": tensor.Int32, "i8": tensor.Int64,
	"u1": tensor.Uint8, "u2": tensor.Uint16, "u4": tensor.Uint32, "u8": tensor.Uint64,
	"c8": tensor.Complex64, "c16": tensor.Complex128,
}

var npyHeader = regexp.MustCompile(`'descr':\s*'([<>|=]?)(\w+)',\s*'fortran_order':\s*(True|False),\s*'shape':\s*\(([^)]*)\)`)

// decodeNPY reads an array as numpy.save writes it (NumPy Enhancement Proposal
// 1, versions 1 to 3), in C order.
func decodeNPY(b []byte) (*tensor.Tensor, error) {
	if len(b) < 12 || !bytes.HasPrefix(b, []byte("\x93NUMPY")) {
		return nil, errors.New("not a .npy file")
	}
	start, size := 10, int64(binary.LittleEndian.Uint16(b[8:]))
	if b[6] >= 2 {
		start, size = 12, int64(binary.LittleEndian.Uint32(b[8:]))
	}
	if size > int64(len(b)-start) {
		return nil, errors.New("the .npy header is cut off")
	}
	header, data := b[start:start+int(size)], b[start+int(size):]
	m := npyHeader.FindSubmatch(header)
	if m == nil {
		return nil, fmt.Errorf("the .npy header is not understood: %.200q", header)
	}
	d, known := npyTypes[string(m[2])]
	switch {
	case !known:
		return nil, fmt.Errorf("arrays of %s are not read", m[2])
	case string(m[3]) == "True":
		return nil, errors.New("arrays in Fortran order are not read; save numpy.ascontiguousarray of it")
	}
	shape, err := npyShape(string(m[4]))
	if err != nil {
		return nil, err
	}
	return tensor.FromBytes(d, shape, npyElements(data, d, string(m[1])))
}

// npyShape reads the inside of a tuple: "", "3,", "3, 4".
func npyShape(tuple string) (tensor.Shape, error) {
	var shape tensor.Shape
	for part := range strings.SplitSeq(tuple, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil, fmt.Errorf("the .npy shape is not understood: (%.200s)", tuple)
		}
		shape = append(shape, n)
	}
	return shape, nil
}

// npyElements returns a copy of elements in the machine's byte order, with
// booleans as 0 and 1.
func npyElements(data []byte, d tensor.DType, order string) []byte {
	data = bytes.Clone(data)
	width := d.Bits() / 8
	if d.IsComplex() {
		width /= 2
	}
	big := binary.NativeEndian.Uint16([]byte{0, 1}) == 1
	switch {
	case d == tensor.Bool:
		for i, v := range data {
			data[i] = min(v, 1)
		}
	case order == ">" && !big, order == "<" && big:
		for part := range slices.Chunk(data, width) {
			slices.Reverse(part)
		}
	}
	return data
}
