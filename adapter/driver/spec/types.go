package spec

import "strings"

// Shape is how C carries a type.
type Shape string

// The shapes. A result is carried by a pointer to what a parameter is: to a
// scalar, to a handle; a struct is filled in; for a list or a string the caller
// brings room, says how much, and is told how much is needed.
const (
	Scalar   Shape = "scalar"   // by value
	Handle   Shape = "handle"   // a pointer to something that only its maker looks into
	Struct   Shape = "struct"   // a pointer to a struct that begins with its size
	List     Shape = "list"     // a pointer to structs, and their number
	Bytes    Shape = "bytes"    // a pointer to bytes, and their number
	Text     Shape = "text"     // the same in UTF-8
	Callback Shape = "callback" // a function, and a pointer that it is given back
)

// Type is the type of a parameter, in Go and in C.
type Type struct {
	Name  string
	Shape Shape
	Go    string // as reflection names it
	C     string // the scalar, or the name of the struct, handle or callback
}

// types are all types by name.
var types = named(
	Type{"context", Struct, "context.Context", "midplane_context"},
	Type{"int", Scalar, "int", "int32_t"},
	Type{"int64", Scalar, "int64", "int64_t"},
	Type{"uint64", Scalar, "uint64", "uint64_t"},
	Type{"bool", Scalar, "bool", "int32_t"},
	Type{"duration", Scalar, "time.Duration", "int64_t"}, // nanoseconds
	Type{"error", Struct, "error", "midplane_error"},
	Type{"text", Text, "string", "char"},
	Type{"bytes", Bytes, "[]uint8", "const uint8_t"},
	Type{"room", Bytes, "[]uint8", "uint8_t"}, // bytes to be written to

	Type{"dtype", Scalar, "tensor.DType", "int32_t"},
	Type{"shape", List, "tensor.Shape", "int64_t"},
	Type{"memory_kind", Scalar, "driver.MemoryKind", "int32_t"},
	Type{"external_kind", Scalar, "driver.ExternalKind", "int32_t"},
	Type{"copy_path", Scalar, "driver.CopyPath", "int32_t"},
	Type{"reduce_op", Scalar, "driver.ReduceOp", "int32_t"},
	Type{"determinism", Scalar, "driver.Determinism", "int32_t"},

	Type{"device", Handle, "driver.Device", "midplane_device"},
	Type{"buffer", Handle, "driver.Buffer", "midplane_buffer"},
	Type{"stream", Handle, "driver.Stream", "midplane_stream"},
	Type{"event", Handle, "driver.Event", "midplane_event"},
	Type{"timeline", Handle, "driver.Timeline", "midplane_timeline"},
	Type{"graph", Handle, "driver.Graph", "midplane_graph"},
	Type{"generator", Handle, "driver.Generator", "midplane_generator"},
	Type{"comm", Handle, "driver.Comm", "midplane_comm"},

	Type{"version", Struct, "driver.Version", "midplane_version"},
	Type{"options", Struct, "*driver.Options", "midplane_options"},
	Type{"info", Struct, "driver.Info", "midplane_info"},
	Type{"region", Struct, "driver.Region", "midplane_region"},
	Type{"memory_spec", Struct, "driver.MemorySpec", "midplane_memory_spec"},
	Type{"granularity", Struct, "driver.Granularity", "midplane_granularity"},
	Type{"compatibility", Struct, "driver.Compatibility", "midplane_compatibility"},
	Type{"stats", Struct, "driver.Stats", "midplane_stats"},
	Type{"external", Struct, "driver.External", "midplane_external"},
	Type{"generator_state", Struct, "driver.GeneratorState", "midplane_generator_state"},
	Type{"comm_id", Struct, "driver.CommID", "midplane_comm_id"},
	Type{"telemetry", Struct, "driver.Telemetry", "midplane_telemetry"},
	Type{"profile", Struct, "driver.Profile", "midplane_profile"},
	Type{"partition_spec", Struct, "driver.PartitionSpec", "midplane_partition_spec"},

	Type{"infos", List, "[]driver.Info", "midplane_info"},
	Type{"heaps", List, "[]driver.Heap", "midplane_heap"},
	Type{"links", List, "[]driver.Link", "midplane_link"},
	Type{"plans", List, "[]driver.PartitionPlan", "midplane_partition_plan"},

	Type{"call", Callback, "func(error)", "midplane_call"},
	Type{"report", Callback, "func(driver.HealthEvent)", "midplane_report"},
)

// Types lists all types.
func Types() map[string]Type { return types }

func named(list ...Type) map[string]Type {
	m := make(map[string]Type, len(list))
	for _, t := range list {
		m[t.Name] = t
	}
	return m
}

// cIn spells a parameter in C.
func (p Param) cIn() string {
	t, name := p.Type, snake(p.Name)
	switch t.Shape {
	case Scalar:
		return t.C + " " + name
	case Handle:
		return t.C + " *" + name
	case Struct:
		return "const " + t.C + " *" + name
	case List:
		return "const " + t.C + " *" + name + ", int32_t " + name + "_count"
	case Bytes:
		return t.C + " *" + name + ", int64_t " + name + "_size"
	case Text:
		return "const char *" + name + ", int64_t " + name + "_size"
	}
	return t.C + " " + name + ", void *" + name + "_data"
}

// cOut spells a result in C.
func (p Param) cOut() string {
	t, name := p.Type, snake(p.Name)
	switch t.Shape {
	case Handle:
		return t.C + " **" + name
	case List:
		return t.C + " *" + name + ", int32_t *" + name + "_count"
	case Bytes:
		return t.C + " **" + name + ", int64_t *" + name + "_size"
	case Text:
		return "char *" + name + ", int64_t *" + name + "_size"
	}
	return t.C + " *" + name
}

// C declares the function as a member of a C plug-in's table: it returns a
// driver.Code, 0 for success, and says more in error.
func (f *Function) C() string {
	self := snake(f.Interface.Name)
	if f.Interface.Owner != OfObject {
		self = string(f.Interface.Owner)
	}
	args := []string{"midplane_" + self + " *self"}
	for _, p := range f.In {
		args = append(args, p.cIn())
	}
	for _, p := range f.Out {
		args = append(args, p.cOut())
	}
	args = append(args, "midplane_error *error")
	return "int32_t (*" + snake(f.Interface.Name) + "_" + snake(f.Name) + ")(" + strings.Join(args, ", ") + ")"
}

// snake turns "NewCommID" into "new_comm_id".
func snake(s string) string {
	upper := func(i int) bool { return i >= 0 && i < len(s) && s[i] >= 'A' && s[i] <= 'Z' }
	var b strings.Builder
	for i := range len(s) {
		last := i+1 == len(s)
		if upper(i) && i > 0 && (!upper(i-1) || !last && !upper(i+1)) {
			b.WriteByte('_')
		}
		b.WriteString(strings.ToLower(s[i : i+1]))
	}
	return b.String()
}
