package onnxruntime

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"example.com/midplane/adapter/tensor"
)

// Variable names the environment variable that says where the library lies.
const Variable = "MIDPLANE_ONNXRUNTIME"

// library is a loaded ONNX Runtime with its environment. It stays for the life
// of the process.
type library struct {
	path    string
	version string // "1.30.0"
	api     int    // the version of the function table
	table   *[len(functions)]uintptr

	environment handle
	memory      handle // describes memory of the host
	allocator   handle // the default one, of the host

	mu         sync.Mutex
	registered map[string]*registration  // provider libraries by name
	empties    map[tensor.DType]*session // that return an empty sequence
}

// loaded are the libraries in use, by the path or name they were loaded under.
var loaded struct {
	sync.Mutex
	libraries map[string]*library
}

// find loads the library: from path where that is set, else from where the
// environment variable says, else from where the system's loader finds it.
func find(path string) (*library, error) {
	if path == "" {
		path = os.Getenv(Variable)
	}
	if path != "" {
		return load(path)
	}
	var first error
	for _, name := range libraryNames {
		l, err := load(name)
		if !errors.Is(err, errOpen) {
			return l, err
		}
		if first == nil {
			first = err
		}
	}
	if first == nil { // there are no names where nothing can be loaded
		return load("")
	}
	return nil, fmt.Errorf("no ONNX Runtime library was found as %s; %w", strings.Join(libraryNames, ", "), first)
}

// errOpen says that the system's loader refused a library.
var errOpen = errors.New("the library cannot be loaded")

// load loads a library once and makes its environment.
func load(path string) (*library, error) {
	loaded.Lock()
	defer loaded.Unlock()
	if l, ok := loaded.libraries[path]; ok {
		return l, nil
	}
	l := &library{path: path}
	if err := l.bind(); err != nil {
		return nil, fmt.Errorf("%q: %w", path, err)
	}
	if err := l.start(); err != nil {
		return nil, fmt.Errorf("%q: ONNX Runtime %s cannot start: %w", path, l.version, err)
	}
	if loaded.libraries == nil {
		loaded.libraries = make(map[string]*library)
	}
	loaded.libraries[path] = l
	return l, nil
}

// bind finds the function table of the newest version that both sides know.
func (l *library) bind() error {
	dl, err := openLibrary(l.path)
	if err != nil {
		return fmt.Errorf("%w: %w", errOpen, err)
	}
	getBase, err := symbol(dl, "OrtGetApiBase")
	if err != nil {
		return err
	}
	base := list(invoke(getBase), 2) // GetApi, GetVersionString
	if base == nil || base[0] == 0 || base[1] == 0 {
		return errors.New("OrtGetApiBase returned nothing")
	}
	l.version = goString(invoke(base[1]))
	newest := newestAPI
	if minor, ok := minorVersion(l.version); ok {
		newest = min(newest, minor) // version 1.N of the library has version N of the API
	}
	for v := newest; v >= oldestAPI; v-- {
		if table := invoke(base[0], uintptr(v)); table != 0 {
			l.api, l.table = v, (*[len(functions)]uintptr)(at(table))
			return nil
		}
	}
	return fmt.Errorf("it is ONNX Runtime %s, whose C API has no version from %d to %d: install 1.%d or later", l.version, oldestAPI, newestAPI, oldestAPI)
}

// minorVersion returns N of "1.N.0".
func minorVersion(version string) (int, bool) {
	parts := strings.Split(version, ".")
	if len(parts) < 2 || parts[0] != "1" {
		return 0, false
	}
	minor, err := strconv.Atoi(parts[1])
	return minor, err == nil
}

// start makes the environment, whose threads are shared by the kernels of
// single operators and do not spin while they wait.
func (l *library) start() error {
	const fatal = 4 // the level of messages that the library prints itself; failures come back as errors
	name := []byte("midplane\x00")
	var threads handle
	if err := l.check(ortCreateThreadingOptions, uintptr(unsafe.Pointer(&threads))); err != nil {
		return err
	}
	defer l.call(ortReleaseThreadingOptions, threads)
	if err := l.check(ortSetGlobalIntraOpNumThreads, threads, uintptr(runtime.GOMAXPROCS(0))); err != nil {
		return err
	}
	if err := l.check(ortSetGlobalSpinControl, threads, 0); err != nil {
		return err
	}
	if err := l.check(ortCreateEnvWithGlobalThreadPools, fatal, uintptr(unsafe.Pointer(&name[0])), threads, uintptr(unsafe.Pointer(&l.environment))); err != nil {
		return err
	}
	const deviceAllocator, defaultMemory = 0, 0
	if err := l.check(ortCreateCpuMemoryInfo, deviceAllocator, defaultMemory, uintptr(unsafe.Pointer(&l.memory))); err != nil {
		return err
	}
	return l.check(ortGetAllocatorWithDefaultOptions, uintptr(unsafe.Pointer(&l.allocator)))
}
