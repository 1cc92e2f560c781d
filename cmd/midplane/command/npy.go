package command

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
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
// 1, versions 1 to 3), little-endian and in C order.
func decodeNPY(b []byte) (*tensor.Tensor, error) {
	if len(b) < 12 || !bytes.HasPrefix(b, []byte("\x93NUMPY")) {
		return nil, errors.New("not a .npy file")
	}
	start, size := 10, int(binary.LittleEndian.Uint16(b[8:]))
	if b[6] >= 2 {
		start, size = 12, int(binary.LittleEndian.Uint32(b[8:]))
	}
	if size < 0 || size > len(b)-start {
		return nil, errors.New("the .npy header is cut off")
	}
	m := npyHeader.FindSubmatch(b[start : start+size])
	if m == nil {
		return nil, fmt.Errorf("the .npy header is not understood: %q", b[start:start+size])
	}
	d, known := npyTypes[string(m[2])]
	switch {
	case !known:
		return nil, fmt.Errorf("arrays of %s are not read", m[2])
	case string(m[1]) == ">":
		return nil, errors.New("big-endian arrays are not read; save it with dtype '<'")
	case string(m[3]) == "True":
		return nil, errors.New("arrays in Fortran order are not read; save numpy.ascontiguousarray of it")
	}
	var shape tensor.Shape
	for _, part := range strings.Split(string(m[4]), ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil, fmt.Errorf("the .npy shape is not understood: (%s)", m[4])
		}
		shape = append(shape, n)
	}
	return tensor.FromBytes(d, shape, bytes.Clone(b[start+size:]))
}
