package onnxruntime

import (
	"runtime"
	"unsafe"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
)

// scope owns what a call of the library needs until it is over: values of the
// library's, and the Go memory that they point into.
type scope struct {
	lib    *library
	pinner runtime.Pinner
	values []handle
}

// own makes the scope release a value.
func (s *scope) own(v handle) {
	if v != 0 {
		s.values = append(s.values, v)
	}
}

// close releases everything.
func (s *scope) close() {
	for _, v := range s.values {
		s.lib.call(ortReleaseValue, v)
	}
	s.values = nil
	s.pinner.Unpin()
}

// scalarShape is where the extents of a scalar point.
var scalarShape [1]int

// extents returns the first extent. An int is as wide as C's int64_t wherever a
// library can be loaded.
func extents(shape tensor.Shape) *int {
	if len(shape) == 0 {
		return &scalarShape[0]
	}
	return &shape[0]
}

// value makes a value of the library's from one of the host's. Tensors other
// than of strings are not copied: what the library writes into them is written
// into v. An absent optional is 0, an input that is left out.
func (s *scope) value(v tensor.Value) (handle, error) {
	switch v := v.(type) {
	case *tensor.Tensor:
		return s.tensor(v)
	case *tensor.Sequence:
		return s.sequence(v)
	case *tensor.Map:
		return s.container(typeMap, v.Keys, v.Values)
	case *tensor.Optional:
		if v.Item == nil {
			return 0, nil
		}
		return s.value(v.Item)
	}
	return 0, driver.Errorf(driver.Unsupported, "", "ONNX Runtime cannot take a %T", v)
}

func (s *scope) tensor(t *tensor.Tensor) (out handle, err error) {
	element, err := elementOf(t.DType())
	if err != nil {
		return 0, err
	}
	if t.DType() == tensor.String {
		return s.strings(t)
	}
	data := unsafe.SliceData(t.Bytes())
	if data == nil || len(t.Bytes()) == 0 {
		data = (*byte)(unsafe.Pointer(&scalarShape))
	}
	s.pinner.Pin(data)
	err = s.lib.check(ortCreateTensorWithDataAsOrtValue, s.lib.memory, uintptr(unsafe.Pointer(data)), uintptr(len(t.Bytes())),
		uintptr(unsafe.Pointer(extents(t.Shape()))), uintptr(t.Rank()), uintptr(element), uintptr(unsafe.Pointer(&out)))
	s.own(out)
	return out, err
}

func (s *scope) strings(t *tensor.Tensor) (out handle, err error) {
	err = s.lib.check(ortCreateTensorAsOrtValue, s.lib.allocator, uintptr(unsafe.Pointer(extents(t.Shape()))), uintptr(t.Rank()), uintptr(tensor.String), uintptr(unsafe.Pointer(&out)))
	s.own(out)
	for i, text := range t.Strings() {
		if err != nil {
			break
		}
		var room uintptr
		if err = s.lib.check(ortGetResizedStringTensorElementBuffer, out, uintptr(i), uintptr(len(text)), uintptr(unsafe.Pointer(&room))); err == nil && text != "" {
			copy(unsafe.Slice((*byte)(at(room)), len(text)), text)
		}
	}
	return out, err
}

func (s *scope) sequence(v *tensor.Sequence) (handle, error) {
	if len(v.Items) == 0 {
		return s.empty(v.Type())
	}
	return s.container(typeSequence, v.Items...)
}

// container makes a sequence of its items, or a map of keys and values.
func (s *scope) container(kind valueType, items ...tensor.Value) (out handle, err error) {
	handles := make([]handle, len(items))
	for i, item := range items {
		if handles[i], err = s.value(item); err != nil {
			return 0, err
		}
	}
	err = s.lib.check(ortCreateValue, uintptr(unsafe.Pointer(&handles[0])), uintptr(len(handles)), uintptr(kind), uintptr(unsafe.Pointer(&out)))
	s.own(out)
	return out, err
}

// valueType is an ONNXType.
type valueType int32

// The kinds of values.
const (
	typeUnknown  valueType = 0
	typeTensor   valueType = 1
	typeSequence valueType = 2
	typeMap      valueType = 3
)

// read copies a value of the library's to the host. Want is the type that it is
// declared to have, as far as that is known.
func (l *library) read(v handle, want tensor.Type) (tensor.Value, error) {
	if want.Kind == tensor.KindOptional {
		return l.readOptional(v, want)
	}
	var kind valueType
	if err := l.check(ortGetValueType, v, uintptr(unsafe.Pointer(&kind))); err != nil {
		return nil, err
	}
	switch kind {
	case typeTensor:
		return l.readTensor(v)
	case typeSequence:
		return l.readSequence(v, want)
	case typeMap:
		return l.readMap(v)
	}
	return nil, driver.Errorf(driver.Unsupported, "", "ONNX Runtime returned a value of its kind %d, for which there is none here", kind)
}

// view is a tensor of the library's.
type view struct {
	value handle
	dtype tensor.DType
	shape tensor.Shape
}

// view looks at a tensor.
func (l *library) view(v handle) (w view, err error) {
	var info handle
	if err := l.check(ortGetTensorTypeAndShape, v, uintptr(unsafe.Pointer(&info))); err != nil {
		return w, err
	}
	defer l.call(ortReleaseTensorTypeAndShapeInfo, info)
	var element elementType
	var rank uintptr
	if err := l.check(ortGetTensorElementType, info, uintptr(unsafe.Pointer(&element))); err != nil {
		return w, err
	}
	if err := l.check(ortGetDimensionsCount, info, uintptr(unsafe.Pointer(&rank))); err != nil {
		return w, err
	}
	w.value, w.shape = v, make(tensor.Shape, rank)
	if err := l.check(ortGetDimensions, info, uintptr(unsafe.Pointer(extents(w.shape))), rank); err != nil {
		return w, err
	}
	w.dtype, err = dtypeOf(element)
	return w, err
}

// copyTo copies the elements of a tensor that has no strings.
func (l *library) copyTo(dst []byte, w view) error {
	var data uintptr
	if err := l.check(ortGetTensorMutableData, w.value, uintptr(unsafe.Pointer(&data))); err != nil {
		return err
	}
	if len(dst) > 0 {
		copy(dst, unsafe.Slice((*byte)(at(data)), len(dst)))
	}
	return nil
}

func (l *library) readTensor(v handle) (*tensor.Tensor, error) {
	w, err := l.view(v)
	if err != nil {
		return nil, err
	}
	t, err := tensor.New(w.dtype, w.shape)
	if err != nil {
		return nil, err
	}
	if w.dtype == tensor.String {
		return t, l.readStrings(t.Strings(), v)
	}
	return t, l.copyTo(t.Bytes(), w)
}

// readStrings reads the elements of a tensor of strings, which the library
// gives as one text with the offsets where they begin.
func (l *library) readStrings(dst []string, v handle) error {
	if len(dst) == 0 {
		return nil
	}
	var size uintptr
	if err := l.check(ortGetStringTensorDataLength, v, uintptr(unsafe.Pointer(&size))); err != nil {
		return err
	}
	text, offsets := make([]byte, size+1), make([]uintptr, len(dst)+1)
	if err := l.check(ortGetStringTensorContent, v, uintptr(unsafe.Pointer(&text[0])), size, uintptr(unsafe.Pointer(&offsets[0])), uintptr(len(dst))); err != nil {
		return err
	}
	offsets[len(dst)] = size
	for i := range dst {
		dst[i] = string(text[offsets[i]:offsets[i+1]])
	}
	return nil
}

// items reads what a container holds.
func (l *library) items(v handle, read func(item handle) error) error {
	var n uintptr
	if err := l.check(ortGetValueCount, v, uintptr(unsafe.Pointer(&n))); err != nil {
		return err
	}
	for i := range n {
		var item handle
		err := l.check(ortGetValue, v, i, l.allocator, uintptr(unsafe.Pointer(&item)))
		if err == nil {
			err = read(item)
			l.call(ortReleaseValue, item)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *library) readSequence(v handle, want tensor.Type) (tensor.Value, error) {
	var elem tensor.Type
	if want.Elem != nil {
		elem = *want.Elem
	}
	s := &tensor.Sequence{Elem: elem}
	err := l.items(v, func(item handle) error {
		got, err := l.read(item, elem)
		s.Items = append(s.Items, got)
		return err
	})
	if err != nil {
		return nil, err
	}
	if elem.Kind == tensor.KindUnknown && len(s.Items) > 0 {
		s.Elem = s.Items[0].Type()
		s.Elem.Dims = nil
	}
	return s, nil
}

func (l *library) readMap(v handle) (tensor.Value, error) {
	var parts []tensor.Value
	err := l.items(v, func(item handle) error {
		got, err := l.read(item, tensor.Type{})
		parts = append(parts, got)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(parts) == 2 {
		if keys, ok := parts[0].(*tensor.Tensor); ok {
			return &tensor.Map{Keys: keys, Values: parts[1]}, nil
		}
	}
	return nil, driver.Errorf(driver.Internal, "", "ONNX Runtime returned a map of %d parts", len(parts))
}

func (l *library) readOptional(v handle, want tensor.Type) (tensor.Value, error) {
	var elem tensor.Type
	if want.Elem != nil {
		elem = *want.Elem
	}
	var present int32
	if err := l.check(ortHasValue, v, uintptr(unsafe.Pointer(&present))); err != nil {
		return nil, err
	}
	o := &tensor.Optional{Elem: elem}
	if present == 0 {
		return o, nil
	}
	var err error
	o.Item, err = l.read(v, elem)
	return o, err
}
