package spec

import "strings"

// Mapping says what a function of another device interface is here.
type Mapping struct {
	Group    string
	Function string
	Mark     string   // R, d, o, n: see [Paddle]
	Ours     []string // IDs of functions, none where it cannot be mapped
	Note     string   // how, or why not
}

// Paddle maps every function of PaddlePaddle's CustomDevice interface
// (C_DeviceInterface in device_ext.h, newest snapshot). The marks are those of
// its own loader: R required by the code, d required by its documentation alone,
// o optional, n in the newest snapshot only.
func Paddle() []Mapping { return paddle }

var paddle = mappings(
	"plug-in", "InitPlugin", "R", "Driver.Name, Versioner.InterfaceVersion", "size-prefixed structs and a version that is negotiated; a refusal has a text",

	"device", "initialize", "o", "Driver.Probe", "the first Probe makes the driver ready; it leaves no state that needs finalizing",
	"device", "finalize", "o", "Unloader.Unload", "",
	"device", "init_device", "o", "Driver.Open", "",
	"device", "deinit_device", "o", "Device.Close", "",
	"device", "set_device", "R", "", "there is no current device: every handle names its own",
	"device", "get_device", "R", "", "there is no current device: every handle names its own",
	"device", "synchronize_device", "d", "Device.Synchronize", "with a context, which bounds the wait",
	"device", "get_device_count", "R", "Driver.Probe", "the length of the list",
	"device", "get_device_list", "R", "Driver.Probe", "devices that cannot be used are listed too, with the reason",
	"device", "get_compute_capability", "d", "Device.Info", "Info.Arch",
	"device", "get_runtime_version", "d", "Device.Info", "Info.Version",
	"device", "get_driver_version", "d", "Device.Info", "Info.Version; both in Info.Properties where they differ",
	"device", "get_device_properties", "n", "Device.Info", "typed fields instead of an untyped pointer",
	"device", "get_multi_process", "n", "Device.Info", "Info.Units",
	"device", "get_max_threads_per_mp", "n", "", "launch geometry is known to a backend's own kernels only; no portable caller could use it",
	"device", "get_max_threads_per_block", "n", "", "launch geometry, as above",
	"device", "get_max_grid_dim_size", "n", "", "launch geometry, as above",
	"device", "is_float16_supported", "n", "Device.Info", "Info.DTypes; whether an operator takes float16 is asked of operators.Backend, node by node",
	"device", "is_bfloat16_supported", "n", "Device.Info", "Info.DTypes, likewise",
	"device", "init_eigen_device", "n", "", "a C++ object of one library; it has no meaning across a C boundary",
	"device", "destroy_eigen_device", "n", "", "a C++ object of one library; it has no meaning across a C boundary",

	"stream", "create_stream", "o", "Streamer.NewStream, PriorityStreamer.NewPriorityStream", "",
	"stream", "destroy_stream", "o", "Stream.Close", "",
	"stream", "query_stream", "o", "Stream.Query", "",
	"stream", "stream_add_callback", "o", "HostCaller.CallHost", "",
	"stream", "synchronize_stream", "o", "Stream.Synchronize", "",
	"stream", "stream_wait_event", "o", "Stream.Wait", "",

	"event", "create_event", "R", "Streamer.NewEvent", "",
	"event", "destroy_event", "R", "Event.Close", "",
	"event", "record_event", "R", "Stream.Record", "",
	"event", "synchronize_event", "R", "Event.Synchronize", "",
	"event", "query_event", "o", "Event.Query", "",

	"memory", "device_memory_allocate", "R", "Device.Alloc", "kind DeviceMemory",
	"memory", "device_memory_deallocate", "R", "Buffer.Free", "",
	"memory", "device_memory_set", "o", "Filler.Fill", "patterns of up to 16 bytes",
	"memory", "host_memory_allocate", "o", "Device.Alloc", "kind PinnedMemory",
	"memory", "host_memory_deallocate", "o", "Buffer.Free", "",
	"memory", "unified_memory_allocate", "o", "Device.Alloc", "kind UnifiedMemory",
	"memory", "unified_memory_deallocate", "o", "Buffer.Free", "",
	"memory", "memory_copy_h2d", "o", "Device.CopyIn", "",
	"memory", "memory_copy_d2h", "o", "Device.CopyOut", "",
	"memory", "memory_copy_d2d", "o", "Copier.Copy", "without a stream",
	"memory", "memory_copy_p2p", "o", "PeerCopier.CopyPeer", "without a stream; PeerPath says first whether it can",
	"memory", "async_memory_copy_h2d", "o", "AsyncCopier.CopyInAsync", "",
	"memory", "async_memory_copy_d2h", "o", "AsyncCopier.CopyOutAsync", "",
	"memory", "async_memory_copy_d2d", "o", "Copier.Copy", "",
	"memory", "async_memory_copy_p2p", "o", "PeerCopier.CopyPeer", "",

	"memory information", "device_memory_stats", "o", "Statter.Stats", "Limit and Limit less InUse",
	"memory information", "device_min_chunk_size", "o", "MemoryDescriber.Granularity", "Granularity.Min",
	"memory information", "device_max_chunk_size", "o", "MemoryDescriber.Granularity", "Granularity.Max",
	"memory information", "device_max_alloc_size", "o", "MemoryDescriber.Heaps", "Heap.Bytes",
	"memory information", "device_extra_padding_size", "o", "MemoryDescriber.Granularity", "Granularity.Padding",
	"memory information", "device_init_alloc_size", "o", "", "how a pool above the driver begins; here plans allocate exactly what they need",
	"memory information", "device_realloc_size", "o", "", "how a pool above the driver grows; here plans allocate exactly what they need",

	"collectives", "xccl_get_comm_name", "n", "", "a name inside one vendor's library; a communicator is known by its CommID",
	"collectives", "xccl_get_unique_id_size", "o", "", "a CommID has 128 bytes",
	"collectives", "xccl_get_unique_id", "o", "Collective.NewCommID", "",
	"collectives", "xccl_comm_init_rank", "o", "Collective.JoinComm", "",
	"collectives", "xccl_destroy_comm", "o", "Comm.Close", "",
	"collectives", "xccl_all_reduce", "o", "Comm.AllReduce", "",
	"collectives", "xccl_broadcast", "o", "Comm.Broadcast", "",
	"collectives", "xccl_reduce", "o", "Comm.Reduce", "",
	"collectives", "xccl_all_gather", "o", "Comm.AllGather", "",
	"collectives", "xccl_reduce_scatter", "o", "Comm.ReduceScatter", "",
	"collectives", "xccl_group_start", "o", "Comm.GroupStart", "of one communicator, not of the process",
	"collectives", "xccl_group_end", "o", "Comm.GroupEnd", "",
	"collectives", "xccl_send", "o", "Comm.Send", "",
	"collectives", "xccl_recv", "o", "Comm.Recv", "",
	"collectives", "xccl_all_to_all", "o", "Comm.AllToAll", "parts of equal size; others by Send and Recv in a group",

	"profiler", "profiler_initialize", "o", "Profiler.StartProfile", "one call begins a recording",
	"profiler", "profiler_finalize", "o", "Profiler.StopProfile", "",
	"profiler", "profiler_prepare_tracing", "o", "Profiler.StartProfile", "",
	"profiler", "profiler_start_tracing", "o", "Profiler.StartProfile", "",
	"profiler", "profiler_stop_tracing", "o", "Profiler.StopProfile", "",
	"profiler", "profiler_collect_trace_data", "o", "Profiler.StopProfile", "the records are returned; the host pushes nothing",

	"BLAS", "init_blas_handle", "n", "", "a library's handle is the backend's own affair; products are operators of package operators",
	"BLAS", "blas_set_math_mode", "n", "DeterminismSetter.SetDeterminism", "as far as it is about repeatable results; precision belongs to an operator's types",
	"BLAS", "init_blaslt_handle", "n", "", "a library's handle, as above",
	"BLAS", "destroy_blas_handle", "n", "", "a library's handle, as above",
	"BLAS", "destroy_blaslt_handle", "n", "", "a library's handle, as above",
	"BLAS", "blas_axpby", "n", "", "an operator: Mul and Add, through operators.Backend",
	"BLAS", "transform_unary", "n", "", "an operator, through operators.Backend",
	"BLAS", "transform_binary", "n", "", "an operator, through operators.Backend",
)

// mappings makes rows of five cells.
func mappings(cells ...string) []Mapping {
	rows := make([]Mapping, 0, len(cells)/5)
	for i := 0; i < len(cells); i += 5 {
		m := Mapping{Group: cells[i], Function: cells[i+1], Mark: cells[i+2], Note: cells[i+4]}
		if cells[i+3] != "" {
			m.Ours = strings.Split(cells[i+3], ", ")
		}
		rows = append(rows, m)
	}
	return rows
}
