package main

import (
	"context"
	"errors"
	"fmt"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/models"
)

// What version 5 of the detector takes at 16000 samples a second: chunks, each
// with the end of the chunk before it in front.
const (
	chunk  = 512
	before = 64
)

// detector is a voice activity detector in the middle of a stream.
type detector struct {
	session *models.Session
	// input and state are given to every run. The state of the recurrent layer
	// lies on the device, float32[2, 1, 128]: runs read it there and leave the
	// next one there.
	input           []float32
	state           *adapter.Tensor
	probability     *tensor.Tensor
	inputs, outputs map[string]tensor.Value
}

// newDetector loads silero_vad_v5.onnx; the stream is at its beginning.
func newDetector(ctx context.Context, model, device string) (*detector, error) {
	s, err := models.Load(ctx, model, &models.Options{Devices: []string{device}})
	if err != nil {
		return nil, err
	}
	state, err := s.Devices()[0].Upload(ctx, tensor.Zeros(tensor.Float32, tensor.Shape{2, 1, 128}))
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	d := &detector{session: s, input: make([]float32, before+chunk), state: state}
	d.probability = tensor.Zeros(tensor.Float32, tensor.Shape{1, 1})
	d.inputs = map[string]tensor.Value{"input": tensor.Of(d.input, 1, before+chunk), "state": state, "sr": tensor.Scalar[int64](rate)}
	d.outputs = map[string]tensor.Value{"output": d.probability, "stateN": state}
	return d, nil
}

// next takes the next chunk of the stream and returns how likely somebody
// speaks in it.
func (d *detector) next(ctx context.Context, samples []float32) (float32, error) {
	if len(samples) != chunk {
		return 0, fmt.Errorf("%d samples, a chunk has %d", len(samples), chunk)
	}
	copy(d.input, d.input[chunk:])
	copy(d.input[before:], samples)
	if err := d.session.RunInto(ctx, d.inputs, d.outputs); err != nil {
		return 0, err
	}
	return tensor.Slice[float32](d.probability)[0], nil
}

func (d *detector) close() error { return errors.Join(d.state.Free(), d.session.Close()) }
