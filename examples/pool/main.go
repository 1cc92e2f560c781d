// Command pool has two models share one card, each in an instance with memory and
// compute units of its own, until an urgent task takes the place of one of them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"sync"

	"example.com/midplane/adapter/pool"
	"example.com/midplane/adapter/tensor"
	_ "example.com/midplane/backends/cpu"
	_ "example.com/midplane/backends/emu"
	digits "example.com/midplane/examples/digits/model"
	"example.com/midplane/models"
	"example.com/midplane/models/zoo"
	"example.com/midplane/operators/onnx"
)

func main() {
	device := flag.String("device", "emu", "`name` of the card, which is divided in halves at least")
	flag.Parse()
	if err := run(context.Background(), *device, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "pool:", err)
		os.Exit(1)
	}
}

// run has the tasks share the card until the urgent one is done.
func run(ctx context.Context, device string, stdout io.Writer) (err error) {
	p, err := pool.Open(ctx, []string{device}, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	out := &printer{w: stdout}
	digits, tagger, err := tasks(out)
	if err != nil {
		return err
	}

	over := make(chan struct{}) // closed when the patient tasks need not go on
	done := make(chan error, 2)
	for _, t := range []*task{digits, tagger} {
		go func() { done <- t.work(ctx, p, over) }()
		if err := t.begin(done); err != nil {
			return err
		}
	}
	out.card(p)
	err = urgent(ctx, p, out, digits.model, digits.inputs)
	close(over)
	return errors.Join(err, <-done, <-done)
}

// tasks are the two that share the card.
func tasks(out *printer) (first, second *task, err error) {
	m, err := zoo.Find("gru_tagger")
	if err != nil {
		return nil, nil, err
	}
	tagger, err := onnx.Encode(m.Graph())
	if err != nil {
		return nil, nil, err
	}
	first = &task{out: out, request: "name=digits,memory=32MiB,compute=0.25,restart=preemption", model: digits.ONNX,
		inputs: map[string]tensor.Value{"image": tensor.Zeros(tensor.Float32, tensor.Shape{1, 1, 28, 28})}}
	second = &task{out: out, request: "name=tagger,memory=64MiB,compute=0.5,restart=preemption", model: tagger,
		inputs: map[string]tensor.Value{"words": tensor.Of([]int64{4, 8, 15, 16, 23}, 5, 1)}}
	for _, t := range []*task{first, second} {
		t.began = make(chan struct{})
	}
	return first, second, nil
}

// task runs a model again and again on what it was given of a card.
type task struct {
	out     *printer
	request string
	model   []byte
	inputs  map[string]tensor.Value
	began   chan struct{} // closed after the first run
	once    sync.Once
}

// begin waits for the first run, or the end of a task.
func (t *task) begin(done <-chan error) error {
	select {
	case <-t.began:
		return nil
	case err := <-done:
		return errors.Join(errors.New("a task ended before its time"), err)
	}
}

// work runs the model until over is closed. When it is told to make room it does
// so at once, and goes on when it gets room again.
func (t *task) work(ctx context.Context, p *pool.Pool, over <-chan struct{}) error {
	r, err := pool.ParseRequest(t.request)
	if err != nil {
		return err
	}
	lease, err := p.Acquire(ctx, r)
	for err == nil {
		t.out.printf("%s has %d MiB and %.2f of %s\n", r.Name, r.Memory>>20, lease.Instances()[0].Compute(), lease.Instances()[0].Card())
		finished, failed := t.on(ctx, lease, over)
		if finished || failed != nil {
			return errors.Join(failed, lease.Release())
		}
		t.out.printf("%s makes room\n", r.Name)
		lease, err = lease.Next(ctx)
	}
	return err
}

// on runs the model on one lease. It reports whether over was closed: else the
// lease is about to end.
func (t *task) on(ctx context.Context, lease *pool.Lease, over <-chan struct{}) (finished bool, err error) {
	s, err := models.LoadBytes(ctx, t.model, &models.Options{Opened: lease.Devices()})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for {
		if _, err := s.Run(ctx, t.inputs); err != nil {
			return false, err
		}
		t.once.Do(func() { close(t.began) })
		select {
		case <-lease.Notice():
			return false, nil
		case <-over:
			return true, nil
		default:
		}
	}
}

// urgent takes three quarters of the card for one run of a model.
func urgent(ctx context.Context, p *pool.Pool, out *printer, model []byte, inputs map[string]tensor.Value) error {
	r, err := pool.ParseRequest("name=urgent,memory=32MiB,compute=0.75,priority=10")
	if err != nil {
		return err
	}
	out.printf("urgent asks for 0.75\n")
	lease, err := p.Acquire(ctx, r)
	if err != nil {
		return err
	}
	out.card(p)
	s, err := models.LoadBytes(ctx, model, &models.Options{Opened: lease.Devices()})
	if err != nil {
		return errors.Join(err, lease.Release())
	}
	_, err = s.Run(ctx, inputs)
	out.printf("urgent is done\n")
	return errors.Join(err, s.Close(), lease.Release())
}

// printer prints lines of several goroutines.
type printer struct {
	mu sync.Mutex
	w  io.Writer
}

func (p *printer) printf(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.w, format, args...)
}

// card prints how the card is.
func (p *printer) card(from *pool.Pool) {
	c := from.Snapshot().Cards[0]
	p.printf("card %s: %d instances with %d MiB and %.2f of its units\n", c.Name, c.Instances, c.MemoryHeld>>20, c.ComputeHeld)
}
