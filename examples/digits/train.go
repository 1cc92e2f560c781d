package main

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// learningRate is the step size of the Adam optimizer.
const learningRate = 0.002

// Trainer fits a network to pictures.
type Trainer struct {
	graph   *expression
	batch   int
	labels  *gorgonia.Node // (batch, digits), one-hot
	loss    gorgonia.Value // mean cross-entropy of the last run
	machine gorgonia.VM
	solver  gorgonia.Solver
}

// NewTrainer returns a trainer running the network on batches of a fixed size.
func NewTrainer(n *Network, batch int) (*Trainer, error) {
	g, err := n.newGraph(batch)
	if err != nil {
		return nil, err
	}
	t := &Trainer{graph: g, batch: batch}
	t.labels = gorgonia.NewMatrix(g.ExprGraph, tensor.Float32,
		gorgonia.WithShape(batch, digits), gorgonia.WithName("labels"))
	loss, err := crossEntropy(g.logits, t.labels)
	if err != nil {
		return nil, fmt.Errorf("loss: %w", err)
	}
	gorgonia.Read(loss, &t.loss)
	if _, err = gorgonia.Grad(loss, g.params...); err != nil {
		return nil, fmt.Errorf("gradients: %w", err)
	}
	t.machine = gorgonia.NewTapeMachine(g.ExprGraph, gorgonia.BindDualValues(g.params...))
	t.solver = gorgonia.NewAdamSolver(gorgonia.WithLearnRate(learningRate))
	return t, nil
}

// crossEntropy adds the mean cross-entropy of the logits' softmax and one-hot
// labels.
func crossEntropy(logits, labels *gorgonia.Node) (*gorgonia.Node, error) {
	logp, err := gorgonia.LogSoftMax(logits, 1)
	if err != nil {
		return nil, err
	}
	picked, err := gorgonia.HadamardProd(logp, labels)
	if err != nil {
		return nil, err
	}
	perImage, err := gorgonia.Sum(picked, 1)
	if err != nil {
		return nil, err
	}
	mean, err := gorgonia.Mean(perImage)
	if err != nil {
		return nil, err
	}
	return gorgonia.Neg(mean)
}

// Epoch trains on every picture once and returns the mean loss and the share of
// pictures that were classified right, each before its own training step.
func (t *Trainer) Epoch(data *Dataset) (loss, accuracy float64, err error) {
	batches, err := data.Batches(t.batch)
	if err != nil {
		return 0, 0, err
	}
	right := 0
	for i, b := range batches {
		if err := t.step(b); err != nil {
			return 0, 0, fmt.Errorf("batch %d: %w", i, err)
		}
		loss += float64(t.loss.Data().(float32)) / float64(len(batches))
		right += correct(t.graph.scores.Data().([]float32), b.Labels)
	}
	return loss, float64(right) / float64(data.Len()), nil
}

// step runs one batch forward and backward and updates the parameters.
func (t *Trainer) step(batch *Dataset) error {
	oneHot := make([]float32, t.batch*digits)
	for i, label := range batch.Labels {
		oneHot[i*digits+label] = 1
	}
	labels := tensor.New(tensor.WithShape(t.batch, digits), tensor.WithBacking(oneHot))
	if err := gorgonia.Let(t.labels, labels); err != nil {
		return err
	}
	if err := t.graph.load(batch); err != nil {
		return err
	}
	defer t.machine.Reset()
	if err := t.machine.RunAll(); err != nil {
		return err
	}
	return t.solver.Step(gorgonia.NodesToValueGrads(t.graph.params))
}

// Close releases the trainer's machine.
func (t *Trainer) Close() error { return t.machine.Close() }
