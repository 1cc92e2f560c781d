package onnxruntime_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
	"example.com/midplane/backends/onnxruntime"
)

// probe returns the one device that a driver lists which cannot find its library.
func probe(t *testing.T, d onnxruntime.Driver) driver.Info {
	t.Helper()
	infos, err := d.Probe(t.Context())
	require.NoError(t, err)
	require.Len(t, infos, 1)
	_, err = d.Open(t.Context(), 0, &driver.Options{})
	assert.ErrorIs(t, err, driver.Unavailable)
	assert.ErrorContains(t, err, infos[0].Unusable)
	assert.Contains(t, infos[0].Remedy, onnxruntime.Variable)
	return infos[0]
}

func TestNoLibrary(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "libonnxruntime.so.1")
	info := probe(t, onnxruntime.Driver{Library: missing})
	assert.Contains(t, info.Unusable, missing)

	t.Setenv(onnxruntime.Variable, missing)
	assert.Contains(t, probe(t, onnxruntime.Driver{}).Unusable, missing)
	_, err := adapter.Open(t.Context(), "onnxruntime", nil)
	assert.ErrorIs(t, err, driver.Unavailable)
	assert.ErrorContains(t, err, "make deps-onnxruntime")
}

// An option goes before the environment variable.
func TestLibraryByOption(t *testing.T) {
	needLibrary(t)
	path := os.Getenv(onnxruntime.Variable)
	t.Setenv(onnxruntime.Variable, filepath.Join(t.TempDir(), "none"))
	infos, err := onnxruntime.Driver{Library: path}.Probe(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, infos)
	assert.Empty(t, infos[0].Unusable)
	assert.Equal(t, path, infos[0].Properties["library"])
	assert.Equal(t, "CPUExecutionProvider", infos[0].Properties["provider"])
}

func TestBrokenLibraries(t *testing.T) {
	text := filepath.Join(t.TempDir(), "libtext.so")
	require.NoError(t, os.WriteFile(text, []byte("this is no library"), 0o644))
	assert.Contains(t, probe(t, onnxruntime.Driver{Library: text}).Unusable, "the library cannot be loaded")
	assert.NotEmpty(t, probe(t, onnxruntime.Driver{Library: t.TempDir()}).Unusable)
}

// fakeLibrary compiles a library whose OrtGetApiBase answers with this version
// and with tables up to that version of the API, or has no such function.
func fakeLibrary(t *testing.T, exported, version string, newest int) string {
	t.Helper()
	cc, err := exec.LookPath("cc")
	if err != nil || runtime.GOOS == "windows" {
		t.Skip("there is no C compiler (cc) to make libraries of other versions with")
	}
	dir := t.TempDir()
	source := fmt.Sprintf(`
static char* failed = "failed";
static void* status(void) { return failed; }
static int code(void* s) { return 1; }
static const char* message(void* s) { return "this library only looks like one"; }
static void release(void* s) {}
static void* table[1000];
static const void* get_api(unsigned version) {
	for (int i = 0; i < 1000; i++) table[i] = (void*)status;
	table[1] = (void*)code;
	table[2] = (void*)message;
	table[93] = (void*)release;
	return version <= %d ? table : 0;
}
static const char* get_version(void) { return "%s"; }
static const void* base[] = {(void*)get_api, (void*)get_version};
const void* %s(void) { return base; }
`, newest, version, exported)
	file, library := filepath.Join(dir, "fake.c"), filepath.Join(dir, "libfake.so")
	require.NoError(t, os.WriteFile(file, []byte(source), 0o644))
	out, err := exec.CommandContext(t.Context(), cc, "-w", "-shared", "-fPIC", "-o", library, file).CombinedOutput()
	require.NoError(t, err, string(out))
	return library
}

func TestLibrariesOfOtherVersions(t *testing.T) {
	old := probe(t, onnxruntime.Driver{Library: fakeLibrary(t, "OrtGetApiBase", "1.17.1", 17)})
	assert.Contains(t, old.Unusable, fmt.Sprintf("it is ONNX Runtime 1.17.1, whose C API has no version from %d to", onnxruntime.OldestAPI))
	assert.Contains(t, old.Unusable, fmt.Sprintf("install 1.%d or later", onnxruntime.OldestAPI))

	other := probe(t, onnxruntime.Driver{Library: fakeLibrary(t, "SomethingElse", "1.30.0", 30)})
	assert.Contains(t, other.Unusable, "it exports no OrtGetApiBase")

	// A newer one gives the table that is known here; this one's functions fail.
	newer := probe(t, onnxruntime.Driver{Library: fakeLibrary(t, "OrtGetApiBase", "1.99.0", 99)})
	assert.Contains(t, newer.Unusable, "ONNX Runtime 1.99.0 cannot start: CreateThreadingOptions")
	assert.Contains(t, newer.Unusable, "this library only looks like one")
	odd := probe(t, onnxruntime.Driver{Library: fakeLibrary(t, "OrtGetApiBase", "nightly", 23)})
	assert.Contains(t, odd.Unusable, "ONNX Runtime nightly cannot start")
}

func TestParseProviders(t *testing.T) {
	list, err := onnxruntime.ParseProviders("a=/x/liba.so, b=c=d ,")
	require.NoError(t, err)
	assert.Equal(t, []onnxruntime.Provider{{Name: "a", Path: "/x/liba.so"}, {Name: "b", Path: "c=d"}}, list)
	for _, bad := range []string{"a", "=x", "a="} {
		_, err := onnxruntime.ParseProviders(bad)
		assert.ErrorContains(t, err, "NAME=PATH", bad)
	}
}

// A provider that cannot be registered is a device with the reason, after those
// that work.
func TestProvidersThatCannotBeUsed(t *testing.T) {
	needLibrary(t)
	missing := filepath.Join(t.TempDir(), "libep.so")
	text := filepath.Join(t.TempDir(), "libtext.so")
	require.NoError(t, os.WriteFile(text, []byte("this is no library"), 0o644))
	t.Setenv(onnxruntime.ProvidersVariable, "missing="+missing+",text="+text)
	d := onnxruntime.Driver{}
	infos, err := d.Probe(t.Context())
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(infos), 3)
	assert.Empty(t, infos[0].Unusable)
	failed := infos[len(infos)-2:]
	assert.Contains(t, failed[0].Unusable, "the execution provider missing cannot be used")
	assert.Contains(t, failed[0].Unusable, missing)
	assert.Contains(t, failed[1].Unusable, "the execution provider text cannot be used: RegisterExecutionProviderLibrary")
	assert.Contains(t, failed[1].Remedy, onnxruntime.ProvidersVariable)
	for i, info := range infos {
		assert.Equal(t, i, info.Index)
	}
	_, err = d.Open(t.Context(), failed[0].Index, &driver.Options{})
	assert.ErrorIs(t, err, driver.Unavailable)
	_, err = d.Open(t.Context(), len(infos), &driver.Options{})
	assert.ErrorIs(t, err, driver.NotFound)

	t.Setenv(onnxruntime.ProvidersVariable, "nonsense")
	assert.Contains(t, probe(t, d).Unusable, "NAME=PATH")
}
