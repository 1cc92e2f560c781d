package models

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"time"

	"example.com/midplane/operators/graph"
	"example.com/midplane/operators/onnx"
	"example.com/midplane/operators/opset"
)

// Load reads the model in a file and makes it ready on the devices that the
// options name. External data is read from the file's folder only.
func Load(ctx context.Context, path string, o *Options) (*Session, error) {
	return load(ctx, path, o, func(oo *onnx.Options) (*onnx.File, error) { return onnx.Load(path, oo) })
}

// LoadFS is [Load] for a file of a file system, such as an embedded one.
func LoadFS(ctx context.Context, fsys fs.FS, name string, o *Options) (*Session, error) {
	return load(ctx, name, o, func(oo *onnx.Options) (*onnx.File, error) { return onnx.LoadFS(fsys, name, oo) })
}

// LoadReader is [Load] for a model without external data that is read to its
// end.
func LoadReader(ctx context.Context, r io.Reader, o *Options) (*Session, error) {
	return load(ctx, "", o, func(oo *onnx.Options) (*onnx.File, error) { return onnx.LoadReader(r, oo) })
}

// LoadBytes is [Load] for a model without external data in memory. The session
// refers to the bytes until it is closed: they must not change.
func LoadBytes(ctx context.Context, model []byte, o *Options) (*Session, error) {
	return load(ctx, "", o, func(oo *onnx.Options) (*onnx.File, error) { return onnx.LoadBytes(model, oo) })
}

// LoadModel is [Load] for a model that was decoded elsewhere or built in code,
// its nodes in topological order. The session refers to the model until it is
// closed: neither graph nor tensors must change.
func LoadModel(ctx context.Context, m *graph.Model, o *Options) (*Session, error) {
	return load(ctx, "", o, func(*onnx.Options) (*onnx.File, error) {
		if m == nil {
			return nil, errors.New("there is no model")
		}
		return &onnx.File{Model: m}, nil
	})
}

// load takes a model through every stage before its first run. A device that
// takes it as a whole saves it those after decoding.
func load(ctx context.Context, name string, o *Options, read func(*onnx.Options) (*onnx.File, error)) (_ *Session, err error) {
	if o == nil {
		o = &Options{}
	}
	s := &Session{file: name, options: *o, log: o.Logger}
	s.memory.Limit = o.MemoryLimit
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	defer s.caught("load", &err)
	if err := s.decode(read); err != nil {
		return nil, err
	}
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	if err := s.compile(ctx); err != nil {
		return nil, err
	}
	if s.whole == nil {
		if err := s.lift(ctx); err != nil {
			return nil, err
		}
		if s.main, err = s.variant(ctx, nil); err != nil {
			return nil, err
		}
		s.placement = s.main.placement
	}
	s.interfaces()
	return s, nil
}

func (s *Session) decode(read func(*onnx.Options) (*onnx.File, error)) (err error) {
	defer s.stage("decode", time.Now())
	if s.source, err = read(&onnx.Options{Copy: s.options.Copy}); err != nil {
		return s.fail("load", err)
	}
	return nil
}

// lift brings the graph into its newest form.
func (s *Session) lift(ctx context.Context) (err error) {
	defer s.stage("lift", time.Now())
	if s.lifted, err = opset.Lift(ctx, s.source.Model); err != nil {
		return s.fail("lift", err)
	}
	return nil
}

func (s *Session) stage(name string, start time.Time) {
	s.log.Debug("stage", "file", s.file, "stage", name, "took", time.Since(start))
}

// interfaces reads inputs and outputs off the graph: inputs as the file has
// them, outputs with the types found.
func (s *Session) interfaces() {
	inputs := s.source.Model.Graph.Inputs
	s.index = make(map[string]int, len(inputs))
	for i, v := range inputs {
		s.inputs = append(s.inputs, info(v))
		s.index[v.Name] = i
	}
	for _, v := range s.placement.Graph.Outputs {
		s.outputs = append(s.outputs, info(v))
	}
}

func info(v *graph.Value) ValueInfo {
	i := ValueInfo{Name: v.Name, Type: v.Type, Optional: v.Const != nil}
	if v.Type.IsTensor() {
		i.DType, i.Shape = v.Type.DType, v.Type.Dims
	}
	return i
}

// Stages are the names that [Session.Stage] takes, in the order of the stages.
var Stages = []string{"decoded", "canonical", "placed"}

// Stage returns the graph as it is after a stage: as decoded, in canonical form
// (lifted, typed, shrunk), or placed. It must not be changed. A model that a
// device took as a whole has no canonical form.
func (s *Session) Stage(name string) (*graph.Graph, error) {
	switch name {
	case "decoded":
		return s.source.Model.Graph, nil
	case "canonical":
		if s.whole != nil {
			return nil, fmt.Errorf("%s took the model as a whole, as it was decoded", s.devices[0].Name())
		}
		if s.main == nil {
			return nil, fmt.Errorf("%s took the model as a whole: it was not brought into canonical form", s.devices[0].Name())
		}
		return s.main.graph, nil
	case "placed":
		return s.placement.Graph, nil
	}
	return nil, fmt.Errorf("no stage is called %q; there are %v", name, Stages)
}
