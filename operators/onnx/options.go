package onnx

import "math"

// Options are limits and choices of decoding. A nil *Options and zero fields
// mean the defaults.
type Options struct {
	// Copy reads files into memory instead of mapping them, and copies tensors
	// out of bytes that the caller gives, so that the model depends on neither.
	Copy bool

	MaxBytes    int64 // size of a model, by default 2 GiB, the most that Protocol Buffers allow
	MaxExternal int64 // size of all files of external data together, by default 1 TiB
	MaxDense    int64 // bytes that sparse tensors may take together once they are dense, by default 256 MiB
	MaxNodes    int   // nodes in all graphs and functions together, by default 2^20
	MaxValues   int   // values that they define, declare and return, by default 2^22
	MaxDepth    int   // nesting of graphs, types and containers, by default 64
}

func (o *Options) withDefaults() Options {
	var own Options
	if o != nil {
		own = *o
	}
	def := func(limit *int64, value int64) {
		if *limit <= 0 {
			*limit = min(value, math.MaxInt)
		}
	}
	def(&own.MaxBytes, 2<<30)
	def(&own.MaxExternal, 1<<40)
	def(&own.MaxDense, 256<<20)
	if own.MaxNodes <= 0 {
		own.MaxNodes = 1 << 20
	}
	if own.MaxValues <= 0 {
		own.MaxValues = 1 << 22
	}
	if own.MaxDepth <= 0 {
		own.MaxDepth = 64
	}
	return own
}
