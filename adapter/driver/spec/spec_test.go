package spec_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/driver/spec"
)

// interfaces are the Go interfaces of package driver by name.
var interfaces = map[string]reflect.Type{
	"Driver": reflect.TypeFor[driver.Driver](), "Device": reflect.TypeFor[driver.Device](), "Buffer": reflect.TypeFor[driver.Buffer](),
	"Versioner": reflect.TypeFor[driver.Versioner](), "DriverWatcher": reflect.TypeFor[driver.DriverWatcher](), "Unloader": reflect.TypeFor[driver.Unloader](),
	"Streamer": reflect.TypeFor[driver.Streamer](), "Stream": reflect.TypeFor[driver.Stream](), "Event": reflect.TypeFor[driver.Event](),
	"AsyncCopier": reflect.TypeFor[driver.AsyncCopier](), "Copier": reflect.TypeFor[driver.Copier](), "Statter": reflect.TypeFor[driver.Statter](),
	"HostMapper": reflect.TypeFor[driver.HostMapper](), "HostImporter": reflect.TypeFor[driver.HostImporter](), "Sizer": reflect.TypeFor[driver.Sizer](),
	"MemoryDescriber": reflect.TypeFor[driver.MemoryDescriber](), "SpecAllocator": reflect.TypeFor[driver.SpecAllocator](),
	"StreamAllocator": reflect.TypeFor[driver.StreamAllocator](), "Trimmer": reflect.TypeFor[driver.Trimmer](), "Sharer": reflect.TypeFor[driver.Sharer](),
	"RectCopier": reflect.TypeFor[driver.RectCopier](), "Filler": reflect.TypeFor[driver.Filler](), "PeerCopier": reflect.TypeFor[driver.PeerCopier](),
	"Linker": reflect.TypeFor[driver.Linker](), "Watcher": reflect.TypeFor[driver.Watcher](), "Sensor": reflect.TypeFor[driver.Sensor](),
	"Profiler": reflect.TypeFor[driver.Profiler](), "Partitioner": reflect.TypeFor[driver.Partitioner](),
	"PriorityStreamer": reflect.TypeFor[driver.PriorityStreamer](), "HostCaller": reflect.TypeFor[driver.HostCaller](),
	"Timeliner": reflect.TypeFor[driver.Timeliner](), "Timeline": reflect.TypeFor[driver.Timeline](), "Capturer": reflect.TypeFor[driver.Capturer](),
	"Graph": reflect.TypeFor[driver.Graph](), "Randomizer": reflect.TypeFor[driver.Randomizer](), "Generator": reflect.TypeFor[driver.Generator](),
	"DeterminismSetter": reflect.TypeFor[driver.DeterminismSetter](), "Collective": reflect.TypeFor[driver.Collective](), "Comm": reflect.TypeFor[driver.Comm](),
}

// Every exported interface of package driver is in the table, by its source.
func TestEveryInterfaceIsInTheTable(t *testing.T) {
	files, err := filepath.Glob("../*.go")
	require.NoError(t, err)
	found := make(map[string]bool)
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.TypeSpec); ok && s.Name.IsExported() {
				if _, ok := s.Type.(*ast.InterfaceType); ok {
					found[s.Name.Name] = true
				}
			}
			return true
		})
	}
	inTable := make(map[string]bool)
	for _, i := range spec.Interfaces() {
		assert.False(t, inTable[i.Name], "%s is in the table twice", i.Name)
		inTable[i.Name] = true
		assert.Contains(t, interfaces, i.Name)
	}
	assert.Equal(t, found, inTable)
}

// Every method of every Go interface is in the table with its types, and every
// function of the table is a method.
func TestGoInterfacesAreTheTable(t *testing.T) {
	for _, i := range spec.Interfaces() {
		goType := interfaces[i.Name]
		require.NotNil(t, goType, i.Name)
		assert.Equal(t, goType.NumMethod(), len(i.Functions), "methods of %s", i.Name)
		for k := range i.Functions {
			f := &i.Functions[k]
			m, ok := goType.MethodByName(f.Name)
			if !assert.True(t, ok, "%s is no method", f.ID()) {
				continue
			}
			var in, out []string
			for n := range m.Type.NumIn() {
				in = append(in, m.Type.In(n).String())
			}
			for n := range m.Type.NumOut() {
				out = append(out, m.Type.Out(n).String())
			}
			var wantIn, wantOut []string
			for _, p := range f.In {
				wantIn = append(wantIn, p.Type.Go)
			}
			for _, p := range f.Out {
				wantOut = append(wantOut, p.Type.Go)
			}
			if f.Fails {
				wantOut = append(wantOut, "error")
			}
			assert.Equal(t, wantIn, in, "parameters of %s", f.ID())
			assert.Equal(t, wantOut, out, "results of %s", f.ID())
			assert.NotEmpty(t, f.Does, f.ID())
			assert.NotEmpty(t, f.Group, f.ID())
		}
	}
}

func TestBitsAreTheTable(t *testing.T) {
	caps := spec.Capabilities()
	for bit, i := range caps {
		require.Equal(t, bit, i.Bit, "the bits are dense: %s", i.Name)
		assert.Equal(t, []string{i.Name}, driver.Caps(1<<bit).Names())
		assert.Equal(t, spec.OfDevice, i.Owner, i.Name)
		assert.False(t, i.Required, i.Name)
		known := driver.CapsOf(driver.Version(i.Version))
		assert.True(t, known.Has(1<<bit), "%s is known to version %v", i.Name, i.Version)
		if i.Version.Minor > 0 {
			before := driver.CapsOf(driver.Version{Major: i.Version.Major, Minor: i.Version.Minor - 1})
			assert.False(t, before.Has(1<<bit), "%s came with version %v", i.Name, i.Version)
		}
	}
	assert.Empty(t, driver.Caps(1<<len(caps)).Names())
	assert.Equal(t, driver.Interface, driver.Version(spec.Current()), "the newest version in the table is the interface's")
}

func TestAbsenceIsExplained(t *testing.T) {
	required := 0
	for _, i := range spec.Interfaces() {
		if i.Required {
			required += len(i.Functions)
			assert.Empty(t, i.Absent, "%s cannot be absent", i.Name)
			continue
		}
		assert.NotEmpty(t, i.Absent, i.Name)
	}
	assert.Equal(t, 11, required, "what a vendor must write")
}

// A C struct holds numbers, text, lists of these and of structs, and handles.
func TestStructsAreCarriable(t *testing.T) {
	structs := []any{
		driver.Version{}, driver.Options{}, driver.Info{}, driver.Region{}, driver.MemorySpec{}, driver.Granularity{}, driver.Compatibility{},
		driver.Stats{}, driver.External{}, driver.GeneratorState{}, driver.Telemetry{}, driver.Profile{}, driver.PartitionSpec{},
		driver.Heap{}, driver.Link{}, driver.PartitionPlan{}, driver.HealthEvent{},
	}
	for _, s := range structs {
		assertCarriable(t, reflect.TypeOf(s), reflect.TypeOf(s).String())
	}
	known := make(map[string]bool)
	for _, s := range structs {
		known[reflect.TypeOf(s).String()] = true
	}
	for _, kind := range spec.Types() {
		name := strings.TrimLeft(kind.Go, "*[]")
		if kind.Shape != spec.Struct && kind.Shape != spec.List || !strings.HasPrefix(name, "driver.") || name == "driver.CommID" {
			continue
		}
		assert.True(t, known[name], "%s is not among the structs of this test", name)
	}
}

func assertCarriable(t *testing.T, s reflect.Type, path string) {
	switch {
	case s == reflect.TypeFor[time.Time](), s == reflect.TypeFor[driver.Buffer]():
		return
	}
	switch s.Kind() {
	case reflect.Struct:
		for n := range s.NumField() {
			assertCarriable(t, s.Field(n).Type, path+"."+s.Field(n).Name)
		}
	case reflect.Slice:
		assertCarriable(t, s.Elem(), path+"[]")
	case reflect.Map:
		assert.Equal(t, "map[string]string", s.String(), path)
	case reflect.Bool, reflect.String, reflect.Int, reflect.Int64, reflect.Uint8, reflect.Uint32, reflect.Uint64, reflect.Float64:
	default:
		t.Errorf("%s is a %v, which C cannot carry", path, s)
	}
}

func TestCSpelling(t *testing.T) {
	for id, want := range map[string]string{
		"Device.Alloc":         "int32_t (*device_alloc)(midplane_device *self, int64_t size, int32_t kind, midplane_buffer **buffer, midplane_error *error)",
		"Device.CopyIn":        "int32_t (*device_copy_in)(midplane_device *self, const midplane_context *ctx, const midplane_region *dst, const uint8_t *src, int64_t src_size, midplane_error *error)",
		"Driver.Probe":         "int32_t (*driver_probe)(midplane_driver *self, const midplane_context *ctx, midplane_info *infos, int32_t *infos_count, midplane_error *error)",
		"RectCopier.CopyRect":  "int32_t (*rect_copier_copy_rect)(midplane_device *self, midplane_stream *s, const midplane_region *dst, int64_t dst_pitch, const midplane_region *src, int64_t src_pitch, int64_t width, int64_t rows, midplane_error *error)",
		"Collective.NewCommID": "int32_t (*collective_new_comm_id)(midplane_device *self, midplane_comm_id *id, midplane_error *error)",
		"Watcher.Watch":        "int32_t (*watcher_watch)(midplane_device *self, const midplane_context *ctx, midplane_report report, void *report_data, midplane_error *error)",
		"Event.Close":          "int32_t (*event_close)(midplane_event *self, midplane_error *error)",
	} {
		f, ok := spec.Lookup(id)
		require.True(t, ok, id)
		assert.Equal(t, want, f.C())
	}
	_, ok := spec.Lookup("Device.Nothing")
	assert.False(t, ok)
	names := make(map[string]string)
	for _, f := range spec.Functions() {
		name, _, _ := strings.Cut(f.C(), ")")
		assert.Empty(t, names[name], "%s and %s have one name in C", names[name], f.ID())
		names[name] = f.ID()
	}
}

func TestGoSpelling(t *testing.T) {
	f, _ := spec.Lookup("Device.CopyOut")
	assert.Equal(t, "CopyOut(ctx context.Context, dst []byte, src Region) error", f.String())
	f, _ = spec.Lookup("PriorityStreamer.Priorities")
	assert.Equal(t, "Priorities() (int, int)", f.String())
	f, _ = spec.Lookup("Buffer.Size")
	assert.Equal(t, "Size() int64", f.String())
}

func TestPaddleIsMapped(t *testing.T) {
	seen := make(map[string]bool)
	notMapped := 0
	for _, m := range spec.Paddle() {
		assert.False(t, seen[m.Function], m.Function)
		seen[m.Function] = true
		for _, id := range m.Ours {
			_, ok := spec.Lookup(id)
			assert.True(t, ok, "%s maps to %s, which is no function", m.Function, id)
		}
		if len(m.Ours) == 0 {
			notMapped++
			assert.NotEmpty(t, m.Note, "why %s cannot be mapped", m.Function)
		}
		assert.Contains(t, []string{"R", "d", "o", "n"}, m.Mark)
	}
	assert.Len(t, seen, 1+83, "InitPlugin and the 83 members of the newest snapshot")
	assert.Less(t, notMapped, 25)
}
