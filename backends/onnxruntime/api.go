package onnxruntime

//go:generate go run ./internal/apigen $HEADER api_gen.go

import (
	"fmt"
	"strings"
	"unsafe"

	"example.com/midplane/adapter/driver"
)

// slot is the place of a function in ONNX Runtime's table, struct OrtApi.
type slot int

// function is what a slot holds.
type function struct {
	name  string
	since int // the version of the API that brought it
}

// oldestAPI is the version that brought the newest function that the backend
// cannot do without: GetEpDevices.
const oldestAPI = 22

// handle is a pointer to an object of the library's.
type handle = uintptr

// has reports whether the library has a function.
func (l *library) has(s slot) bool { return functions[s].since <= l.api }

// call calls a function of the table. Arguments that are made from Go pointers
// in the call itself stay alive and where they are until it returns.
//
//go:uintptrescapes
func (l *library) call(s slot, args ...uintptr) uintptr { return invoke(l.table[s], args...) }

// check is call for functions that return a status, nil for success.
//
//go:uintptrescapes
func (l *library) check(s slot, args ...uintptr) error {
	status := invoke(l.table[s], args...)
	if status == 0 {
		return nil
	}
	return l.failure(s, status)
}

// errorCode is an OrtErrorCode.
type errorCode int32

// The codes that mean more than that a call failed.
const (
	codeFail            errorCode = 1
	codeInvalidArgument errorCode = 2
	codeNoFile          errorCode = 3
	codeNoModel         errorCode = 4
	codeInvalidProtobuf errorCode = 7
	codeNotImplemented  errorCode = 9
	codeInvalidGraph    errorCode = 10
)

// failure makes an error of a status and releases it.
func (l *library) failure(s slot, status handle) error {
	code := errorCode(l.call(ortGetErrorCode, status))
	text := goString(l.call(ortGetErrorMessage, status))
	l.call(ortReleaseStatus, status)
	e := &driver.Error{Code: driver.Internal, Op: functions[s].name, VendorCode: int64(code), VendorText: strings.TrimSpace(text)}
	switch code {
	case codeInvalidArgument, codeNoFile, codeNoModel, codeInvalidProtobuf, codeInvalidGraph:
		e.Code = driver.InvalidArgument
	case codeNotImplemented:
		e.Code = driver.Unsupported
	}
	if strings.Contains(text, "std::bad_alloc") || strings.Contains(text, "Failed to allocate memory") {
		e.Code = driver.OutOfMemory
	}
	return e
}

// at returns an address of the library's as a pointer.
func at(address uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&address)) }

// goString copies a C string.
func goString(address uintptr) string {
	if address == 0 {
		return ""
	}
	p := (*byte)(at(address))
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		n++
	}
	return strings.Clone(unsafe.String(p, n))
}

// list views an array of n handles of the library's.
func list(address uintptr, n int) []handle {
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*handle)(at(address)), n)
}

// cString returns a string as C has it. It is an error if a zero byte would cut
// it off.
func cString(s string) ([]byte, error) {
	if strings.IndexByte(s, 0) >= 0 {
		return nil, fmt.Errorf("the name %q holds a zero byte, which ONNX Runtime cannot take", s)
	}
	return append([]byte(s), 0), nil
}
