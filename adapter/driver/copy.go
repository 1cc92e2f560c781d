package driver

import "time"

// AsyncCopier is implemented by a device with streams that can copy on them.
// The host memory must stay as it is until the stream has got there.
//
// Absent: the stream is synchronised and the copy is done at once.
type AsyncCopier interface {
	CopyInAsync(s Stream, dst Region, src []byte) error
	CopyOutAsync(s Stream, dst []byte, src Region) error
}

// Copier is implemented by a device that copies inside its own memory. The
// sizes are equal and the regions do not overlap. A nil stream means at once.
//
// Absent: the bytes take the way through host memory.
type Copier interface {
	Copy(s Stream, dst, src Region) error
}

// RectCopier is implemented by a device that copies rectangles inside its own
// memory. A nil stream means at once.
//
// Absent: row by row.
type RectCopier interface {
	// CopyRect copies rows of width bytes each, of which the i-th begins i
	// pitches into its region: (rows-1) × pitch + width bytes are touched. The
	// pitches are at least the width, and the regions do not overlap.
	CopyRect(s Stream, dst Region, dstPitch int64, src Region, srcPitch, width, rows int64) error
}

// Filler is implemented by a device that fills memory. A nil stream means at
// once.
//
// Absent: the pattern is repeated on the host and copied.
type Filler interface {
	// Fill repeats a pattern of 1, 2, 4, 8 or 16 bytes, which divide the
	// region's size.
	Fill(s Stream, dst Region, pattern []byte) error
}

// PeerCopier is implemented by a device that takes bytes from other devices.
//
// Absent: they take the way through host memory.
type PeerCopier interface {
	// PeerPath says how bytes come from another device, of any driver.
	PeerPath(from Device) CopyPath
	// CopyPeer copies from a device to which PeerPath is not PathNone. The work
	// that made the source's bytes is done. A nil stream means at once.
	CopyPeer(s Stream, dst Region, from Device, src Region) error
}

// CopyPath says how bytes come from one memory to another.
type CopyPath uint8

// The paths. The zero value is PathNone.
const (
	PathNone   CopyPath = iota // not at all
	PathStaged                 // through host memory
	PathDirect                 // without it
)

var pathNames = [...]string{"none", "staged", "direct"}

// String returns the path's name.
func (p CopyPath) String() string { return nameOf(pathNames[:], "path", p) }

// Linker is implemented by a device that knows how it is connected to others.
//
// Absent: nothing is known.
type Linker interface {
	// Links lists the ways to other devices of the same driver.
	Links() []Link
}

// Link is a way between two devices. Zero rates are unknown.
type Link struct {
	Peer      int // the other device's Info.Index
	Path      CopyPath
	Bandwidth float64 // bytes per second
	Latency   time.Duration
	Coherent  bool // both see each other's writes without copying
}
