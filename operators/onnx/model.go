package onnx

import (
	"bytes"
	"math"

	"example.com/midplane/operators/graph"
)

// External returns length bytes of a file of external data from an offset on,
// or up to its end where length is negative. The name is the location that the
// model gives, unchecked.
type External func(name string, offset, length int64) ([]byte, error)

// Decode reads a model. Tensors alias data and what external returns unless o
// says Copy; a model with external data is an error where external is nil.
func Decode(data []byte, external External, o *Options) (*graph.Model, error) {
	d := newDecoder(data, external, o)
	if int64(len(data)) > d.MaxBytes {
		return nil, errorf(ErrLimit, "a model of %d bytes, the limit is %d", len(data), d.MaxBytes)
	}
	return d.model(data[:len(data):len(data)])
}

// decoder holds what is true for a whole file.
type decoder struct {
	Options
	external External
	size     int               // bytes of the file
	opsets   map[string]int    // of the model
	strings  map[string]string // operators, domains and names of attributes

	nodes  int   // read so far
	values int   // defined, declared and returned so far
	dense  int64 // bytes that sparse tensors took so far

	copies map[externalRange][]byte // of external data that could not be aliased
	copied map[string]int64         // their bytes by file
	extent map[string]int64         // the end of each file as far as it was read
}

// intern returns a string that many nodes have, which is kept once.
func (d *decoder) intern(b []byte) string {
	s, ok := d.strings[string(b)]
	if !ok {
		s = string(b)
		d.strings[s] = s
	}
	return s
}

func newDecoder(data []byte, external External, o *Options) *decoder {
	return &decoder{Options: o.withDefaults(), external: external, size: len(data), strings: make(map[string]string)}
}

func (d *decoder) model(data []byte) (*graph.Model, error) {
	m := &graph.Model{Opsets: make(map[string]int)}
	var main []byte
	var imports, functions [][]byte
	f := d.fields(data)
	for f.next() {
		switch f.num {
		case 1:
			m.IRVersion = f.int()
		case 2:
			m.Producer = f.text()
		case 3:
			m.ProducerVersion = f.text()
		case 4:
			m.Domain = f.text()
		case 5:
			m.Version = f.int()
		case 6:
			m.Doc = f.text()
		case 7:
			main = f.once(main)
		case 8:
			imports = append(imports, f.message())
		case 14:
			d.entry(&f, &m.Metadata)
		case 20, 26: // training_info, configuration
			f.ignore()
		case 25:
			functions = append(functions, f.message())
		}
	}
	if err := notModel(data, f.err, main != nil, m.IRVersion != 0); err != nil {
		return nil, err
	}
	var err error
	if m.Opsets, err = d.imports(imports); err != nil {
		return nil, err
	}
	d.opsets = m.Opsets
	if _, ok := m.Opsets[""]; !ok && m.IRVersion < 3 {
		m.Opsets[""] = 1 // imports came with version 3 of the representation
	}
	if m.Functions, err = d.functions(functions); err != nil {
		return nil, err
	}
	if m.Graph, err = d.graph(main, &scope{opsets: m.Opsets}); err != nil {
		return nil, err
	}
	return m, nil
}

// notModel tells bytes that never were a model from a model that is damaged:
// err is what the outermost message ended with.
func notModel(data []byte, err error, hasGraph, hasVersion bool) error {
	switch {
	case len(data) == 0:
		return errorf(ErrNotModel, "there are no bytes")
	case bytes.HasPrefix(data, []byte("version https://git-lfs")):
		return errorf(ErrNotModel, "a pointer of Git LFS stands where the model should be: fetch the file itself")
	case err != nil && !hasGraph && !hasVersion:
		return errorf(ErrNotModel, "the bytes are no ONNX model: %v", err)
	case err != nil:
		return err
	case !hasGraph:
		return errorf(ErrNotModel, "the bytes hold no graph")
	}
	return nil
}

// entry reads one StringStringEntryProto into a map, which it makes if needed.
func (d *decoder) entry(parent *fields, to *map[string]string) {
	var key, value string
	f := d.fields(parent.message())
	for f.next() {
		switch f.num {
		case 1:
			key = f.text()
		case 2:
			value = f.text()
		}
	}
	if f.err != nil && parent.err == nil {
		parent.err = f.err
	}
	if parent.err != nil {
		return
	}
	if *to == nil {
		*to = make(map[string]string)
	}
	(*to)[key] = value
}

// imports reads operator-set imports. Of two versions of one domain the higher
// one holds.
func (d *decoder) imports(messages [][]byte) (map[string]int, error) {
	opsets := make(map[string]int, len(messages))
	for _, b := range messages {
		var domain string
		var version int64
		f := d.fields(b)
		for f.next() {
			switch f.num {
			case 1:
				domain = graph.NormalDomain(f.text())
			case 2:
				version = f.int()
			}
		}
		if f.err != nil {
			return nil, within(f.err, "import of operator set %s", name(domain))
		}
		if version < 0 || version > math.MaxInt32 || version == 0 && domain == "" {
			return nil, invalid("operator set %s is imported in version %d, which none has", name(domain), version)
		}
		opsets[domain] = max(opsets[domain], int(version))
	}
	return opsets, nil
}

// version returns the operator-set version under which a node of a domain is
// read: what the function around it imports, else the model, 0 where neither
// does.
func (d *decoder) version(opsets map[string]int, domain string) int {
	if v, ok := opsets[domain]; ok {
		return v
	}
	return d.opsets[domain]
}
