package main

import (
	"fmt"

	"gorgonia.org/gorgonia"
)

// Predictor runs a network forward.
type Predictor struct {
	graph   *expression
	batch   int
	machine gorgonia.VM
}

// NewPredictor returns a predictor running the network, with the parameters of
// the moment, on batches of a fixed size.
func NewPredictor(n *Network, batch int) (*Predictor, error) {
	g, err := n.newGraph(batch)
	if err != nil {
		return nil, err
	}
	return &Predictor{graph: g, batch: batch, machine: gorgonia.NewTapeMachine(g.ExprGraph)}, nil
}

// Logits returns the unnormalized scores of each picture, digits apiece.
func (p *Predictor) Logits(data *Dataset) ([]float32, error) {
	batches, err := data.Batches(p.batch)
	if err != nil {
		return nil, err
	}
	var logits []float32
	for i, b := range batches {
		if err := p.graph.load(b); err != nil {
			return nil, fmt.Errorf("batch %d: %w", i, err)
		}
		if err := p.machine.RunAll(); err != nil {
			return nil, fmt.Errorf("batch %d: %w", i, err)
		}
		logits = append(logits, p.graph.scores.Data().([]float32)...)
		p.machine.Reset()
	}
	return logits, nil
}

// Accuracy returns the share of pictures that are classified right.
func (p *Predictor) Accuracy(data *Dataset) (float64, error) {
	logits, err := p.Logits(data)
	if err != nil {
		return 0, err
	}
	return float64(correct(logits, data.Labels)) / float64(data.Len()), nil
}

// Close releases the predictor's machine.
func (p *Predictor) Close() error { return p.machine.Close() }

// correct counts the pictures of a batch whose highest score is their label's.
func correct(scores []float32, labels []int) (n int) {
	for i, label := range labels {
		if argmax(scores[i*digits:(i+1)*digits]) == label {
			n++
		}
	}
	return n
}

// argmax returns the index of the greatest value.
func argmax(values []float32) (best int) {
	for i, v := range values {
		if v > values[best] {
			best = i
		}
	}
	return best
}
