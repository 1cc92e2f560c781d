package driver

import "example.com/midplane/adapter/tensor"

// MemoryKind says what memory is for.
type MemoryKind uint8

// The kinds of memory. A device that does not tell them apart gives what it
// has.
const (
	DeviceMemory   MemoryKind = iota // for kernels
	PinnedMemory                     // host memory that copies fast
	UnifiedMemory                    // one address for host and device
	ImportedMemory                   // someone else's; cannot be allocated
)

var memoryKindNames = [...]string{"device", "pinned", "unified", "imported"}

// String returns the kind's name.
func (k MemoryKind) String() string { return nameOf(memoryKindNames[:], "memory kind", k) }

// Usage says what a buffer will be used for. It is a hint, but for SharedUsage.
type Usage uint8

// The usages.
const (
	AnyUsage      Usage = iota
	WeightUsage         // written once, read by kernels
	ComputeUsage        // read and written by kernels
	TransferUsage       // copied through
	SharedUsage         // to be exported: see [Sharer]
)

var usageNames = [...]string{"any", "weights", "compute", "transfer", "shared"}

// String returns the usage's name.
func (u Usage) String() string { return nameOf(usageNames[:], "usage", u) }

// MemorySpec says what memory is wanted.
type MemorySpec struct {
	Size  int64 // in bytes, at least 1
	Kind  MemoryKind
	Usage Usage
	Align int64 // in bytes, a power of two; 0: the device's own
}

// Granularity says in what pieces a device gives memory of one kind, in bytes.
type Granularity struct {
	Min     int64 // buffers take a multiple of it
	Align   int64 // of a buffer's address
	Padding int64 // what a buffer takes beside its bytes
	Max     int64 // the largest buffer, 0 where unknown
}

// Compatibility is a device's answer about a [MemorySpec].
type Compatibility struct {
	OK     bool
	Reason string // why not
	Size   int64  // bytes that the buffer would take, padding included
}

// Heap is one of a device's memories.
type Heap struct {
	Kind    MemoryKind
	Bytes   int64 // in all, 0 where unknown
	Mapped  bool  // the host can address it: see [HostMapper]
	Coheres bool  // and sees what kernels write without synchronising caches
}

// MemoryDescriber is implemented by a device that tells of its memory before any
// is allocated.
//
// Absent: one heap of device memory, of Info.Memory bytes, in pieces of one byte
// aligned to 64.
type MemoryDescriber interface {
	// Heaps lists the memories.
	Heaps() []Heap
	// Granularity says in what pieces memory of a kind is given.
	Granularity(kind MemoryKind) (Granularity, error)
	// Compatible says whether a buffer can be had as far as its kind, size and
	// alignment go, however much memory is in use.
	Compatible(spec MemorySpec) Compatibility
}

// SpecAllocator is implemented by a device that heeds usage and alignment.
//
// Absent: Alloc, where the alignment asked for is at most the device's own; else
// unsupported.
type SpecAllocator interface {
	// AllocSpec is Device.Alloc for memory that is described more closely.
	AllocSpec(spec MemorySpec) (Buffer, error)
}

// StreamAllocator is implemented by a device that gives and takes memory in the
// order of a stream's work.
//
// Absent: memory is allocated at once, and freed as Buffer.Free does.
type StreamAllocator interface {
	// AllocOn returns a buffer that the stream's later work may use.
	AllocOn(s Stream, size int64, kind MemoryKind) (Buffer, error)
	// FreeOn gives a buffer back when the stream's work before is done. The
	// handle is freed at once.
	FreeOn(s Stream, b Buffer) error
}

// Statter is implemented by a device that counts its memory.
//
// Absent: the portable side counts what it allocated itself.
type Statter interface {
	Stats() Stats
}

// Stats says how a device's memory is used. The first four are always known;
// Limit is 0 where unknown; Known says which of the others are.
type Stats struct {
	InUse  int64 // bytes in buffers now
	Peak   int64 // the most there ever were
	Allocs int64 // calls of Alloc that succeeded
	Frees  int64 // buffers freed
	Limit  int64 // bytes that there can be

	Known        StatFields
	LargestAlloc int64 // the largest buffer ever
	LargestFree  int64 // the largest buffer that can be had now
	Reserved     int64 // bytes held for later buffers, in none now
	Failed       int64 // calls of Alloc that failed for lack of memory
}

// StatFields are fields of [Stats] that are not always known.
type StatFields uint32

// The fields, named after those of Stats.
const (
	StatLargestAlloc StatFields = 1 << iota
	StatLargestFree
	StatReserved
	StatFailed
)

// Has reports whether all of the fields are known.
func (f StatFields) Has(want StatFields) bool { return f&want == want }

// Free returns the bytes that are not in use, and whether that is known.
func (s Stats) Free() (int64, bool) { return max(s.Limit-s.InUse, 0), s.Limit > 0 }

// Fragmentation returns the share of free memory that one buffer cannot have,
// from 0 to 1, and whether that is known.
func (s Stats) Fragmentation() (float64, bool) {
	free, ok := s.Free()
	if !ok || !s.Known.Has(StatLargestFree) || free == 0 {
		return 0, ok && s.Known.Has(StatLargestFree)
	}
	return 1 - float64(min(s.LargestFree, free))/float64(free), true
}

// Trimmer is implemented by a device that holds memory beyond what is in
// buffers, or can be held to less than it has.
//
// Absent: there is nothing to give back, and the portable side keeps the limit.
type Trimmer interface {
	// Trim gives back what is held in reserve, and says how many bytes.
	Trim() (int64, error)
	// SetMemoryLimit bounds the bytes in buffers, which may already be more:
	// then allocation fails until enough are freed. 0 means no limit but the
	// device's own.
	SetMemoryLimit(bytes int64) error
}

// HostMapper is implemented by a device whose memory the host can address.
//
// Absent: values are copied to be read.
type HostMapper interface {
	// HostBytes returns the bytes of a region, for as long as its buffer lives.
	// The caller synchronises. Memory of a kind that is not mapped is
	// Unsupported.
	HostBytes(r Region) ([]byte, error)
}

// HostImporter is implemented by a device that can work on host memory where
// it lies.
//
// Absent: memory is allocated and the bytes are copied.
type HostImporter interface {
	// Import returns a buffer over host, which must stay alive and, when it is
	// not to be written to, unchanged until the buffer is freed. It returns
	// ErrSkip where these bytes do not suit (their alignment, say).
	Import(host []byte) (Buffer, error)
}

// Sizer is implemented by a device on which values take other than their packed
// size, or whose buffers need other alignment than 64 bytes.
//
// Absent: DType.Bytes of the number of elements, aligned to 64.
type Sizer interface {
	// ValueSize returns how many bytes a tensor takes.
	ValueSize(d tensor.DType, shape tensor.Shape) int64
	// Alignment returns the alignment in bytes of a value inside a buffer.
	Alignment() int64
}

// Sharer is implemented by a device whose memory other processes and devices can
// use, and that can use theirs.
//
// Absent: memory passes between processes by copying.
type Sharer interface {
	// Export returns a name of a buffer, made for SharedUsage, that others can
	// import. The caller owns the handle; the buffer goes on living.
	Export(b Buffer, kind ExternalKind) (External, error)
	// ImportExternal returns a buffer over external memory. The handle stays the
	// caller's, and may be closed at once.
	ImportExternal(e External) (Buffer, error)
}

// External names memory outside any one device handle.
type External struct {
	Kind   ExternalKind
	Handle uint64 // a file descriptor, a vendor's handle
	Size   int64  // in bytes
}

// ExternalKind says what an External's handle is.
type ExternalKind uint8

// The kinds of external memory.
const (
	ExternalFD     ExternalKind = iota + 1 // a file descriptor that can be mapped
	ExternalDMABuf                         // a file descriptor of a dma-buf
	ExternalNT                             // a Windows NT handle
	ExternalVendor                         // the vendor's own
)

var externalNames = [...]string{"", "file descriptor", "dma-buf", "NT handle", "vendor handle"}

// String returns the kind's name.
func (k ExternalKind) String() string { return nameOf(externalNames[:], "external kind", k) }
