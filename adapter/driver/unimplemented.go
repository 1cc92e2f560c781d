package driver

import "context"

// Unimplemented is a Device that can do nothing. A vendor's device embeds it,
// so that a method added to [Device] later is an error at run time rather than
// at compile time, and so that a first version can start with Alloc alone.
type Unimplemented struct{}

func unimplemented(op string) error {
	return Errorf(Unsupported, op, "the driver does not implement it")
}

// Info implements [Device].
func (Unimplemented) Info() Info { return Info{} }

// Alloc implements [Device].
func (Unimplemented) Alloc(int64, MemoryKind) (Buffer, error) { return nil, unimplemented("Alloc") }

// CopyIn implements [Device].
func (Unimplemented) CopyIn(context.Context, Region, []byte) error { return unimplemented("CopyIn") }

// CopyOut implements [Device].
func (Unimplemented) CopyOut(context.Context, []byte, Region) error { return unimplemented("CopyOut") }

// Synchronize implements [Device].
func (Unimplemented) Synchronize(context.Context) error { return nil }

// Close implements [Device].
func (Unimplemented) Close() error { return nil }
