// Package isolate makes trials in a child process, so that a device that crashes
// or hangs ends the child and not the suite, and so that no expected value is
// ever in the process that the device runs in.
//
// A child answers requests that come on its standard input, one a line, with
// lines on its standard output that begin with a mark; other output passes by.
package isolate

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/conformance/codec"
	"example.com/midplane/conformance/trial"
)

// mark begins the lines that are answers.
const mark = "\x1emidplane "

// request is a trial on its way to a child.
type request struct {
	Model                       []byte
	Path                        string
	Sets                        [][]byte
	Neighbour, NeighbourSet     []byte
	Random, Guarded, Concurrent bool
	Unoptimized                 bool
	Errand                      []byte // instead of a trial
	Limit                       time.Duration
}

// answer is an observation on its way back.
type answer struct {
	trial.Observation
	Encoded [][]byte // the outputs
	Seen    []byte   // those with memory watched
	Reply   []byte   // to an errand
}

func pack(t *trial.Trial) request {
	r := request{Model: t.Model, Path: t.Path, Neighbour: t.Neighbour, NeighbourSet: codec.All(t.NeighbourSet),
		Random: t.Random, Guarded: t.Guarded, Concurrent: t.Concurrent, Unoptimized: t.Unoptimized, Limit: t.Limit}
	for _, set := range t.Sets {
		r.Sets = append(r.Sets, codec.All(set))
	}
	return r
}

func (r request) unpack() (*trial.Trial, error) {
	t := &trial.Trial{Model: r.Model, Path: r.Path, Random: r.Random, Guarded: r.Guarded, Concurrent: r.Concurrent, Unoptimized: r.Unoptimized, Limit: r.Limit}
	var err error
	if t.Sets, err = decodeSets(r.Sets); err != nil || r.Neighbour == nil {
		return t, err
	}
	t.Neighbour = r.Neighbour
	t.NeighbourSet, err = codec.DecodeAll(r.NeighbourSet)
	return t, err
}

func decodeSets(encoded [][]byte) ([][]tensor.Value, error) {
	var sets [][]tensor.Value
	for _, b := range encoded {
		set, err := codec.DecodeAll(b)
		if err != nil {
			return nil, err
		}
		sets = append(sets, set)
	}
	return sets, nil
}

// Service is what a child does.
type Service struct {
	Open      trial.Open
	Framework trial.Framework // through which models are run; nil: midplane itself

	// Errand does what is no trial: what it is told and what it answers are
	// between suite and child.
	Errand func(ctx context.Context, errand []byte) (reply []byte, err error)
}

// Serve makes the trials that are asked for on in, and answers on out, until in
// ends. A trial that is under way then has a moment to end.
func (s *Service) Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	requests, failed := make(chan request), make(chan error, 1)
	go func() {
		failed <- receive(ctx, in, requests)
		cancel()
	}()
	if err := say(out, ready); err != nil {
		return err
	}
	for {
		select {
		case r := <-requests:
			done := make(chan error, 1)
			go func() { done <- s.answer(ctx, r, out) }()
			select {
			case err := <-done:
				if err != nil {
					return err
				}
			case err := <-failed:
				select {
				case <-done:
				case <-time.After(grace):
				}
				return err
			}
		case err := <-failed:
			return err
		}
	}
}

// grace is how long a process has to end by itself.
const grace = 2 * time.Second

// receive reads requests until there are no more.
func receive(ctx context.Context, in io.Reader, to chan<- request) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		var r request
		if err := decode(line, &r); err != nil {
			return err
		}
		select {
		case to <- r:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// answer makes a trial, or does an errand, and answers.
func (s *Service) answer(ctx context.Context, r request, out io.Writer) error {
	var a answer
	if r.Errand != nil {
		var err error
		if a.Reply, err = s.Errand(ctx, r.Errand); err != nil {
			a.End, a.Text = trial.Failed, err.Error()
		}
	} else {
		t, err := r.unpack()
		if err != nil {
			return err
		}
		t.Framework, t.Limit = s.Framework, 0 // the parent ends a child that hangs
		a.Observation = *trial.Run(ctx, s.Open, t)
		a.Seen = codec.All(a.Watched)
		for _, set := range a.Outputs {
			a.Encoded = append(a.Encoded, codec.All(set))
		}
		a.Outputs, a.Watched = nil, nil
	}
	b, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return say(out, base64.StdEncoding.EncodeToString(b))
}

// say writes a line that the parent reads, in one piece.
func say(out io.Writer, line string) error {
	_, err := io.WriteString(out, "\n"+mark+line+"\n")
	return err
}

// ready is what a child says when it waits for requests.
const ready = "ready"

func decode(line []byte, v any) error {
	b, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(line)))
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		return fmt.Errorf("isolate: a line that is no message: %w", err)
	}
	return nil
}

// Pool runs trials in children, of which each serves one trial at a time. A
// child that has crashed or hung is replaced.
type Pool struct {
	command []string
	env     []string
	mu      sync.Mutex
	idle    []*child
}

// New returns a pool of children that a command starts, with more environment
// variables than this process has.
func New(command, env []string) *Pool { return &Pool{command: command, env: env} }

// Close ends the children.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.idle {
		c.end()
	}
	p.idle = nil
}

// child is a process that serves trials.
type child struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	errors *tail
	wait   func() error // for its end, any number of times
}

func (c *child) end() {
	_ = c.in.Close()
	_ = c.cmd.Process.Kill()
	_ = c.wait()
}

// tail keeps the end of what is written to it.
type tail struct {
	mu sync.Mutex
	b  []byte
}

const kept = 4 << 10

// Write implements io.Writer.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, b...)
	t.b = t.b[max(0, len(t.b)-kept):]
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}

func (p *Pool) child(ctx context.Context) (*child, error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return c, nil
	}
	p.mu.Unlock()
	return p.start(ctx)
}

// starting is how long a process has to get ready.
const starting = time.Minute

// start starts a child and waits until it is ready.
func (p *Pool) start(ctx context.Context) (*child, error) {
	c := &child{cmd: exec.Command(p.command[0], p.command[1:]...), errors: &tail{}}
	c.cmd.Env = append(c.cmd.Environ(), p.env...)
	c.cmd.Stderr = c.errors
	c.cmd.WaitDelay = grace
	c.wait = sync.OnceValue(c.cmd.Wait)
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = bufio.NewReaderSize(out, 1<<16)
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	heard := make(chan error, 1)
	go func() {
		line, err := c.listen()
		if err == nil && string(line) != ready {
			err = fmt.Errorf("it said %.40q", line)
		}
		heard <- err
	}()
	select {
	case err = <-heard:
	case <-time.After(starting):
		err = fmt.Errorf("not ready after %v", starting)
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		c.end()
		return nil, fmt.Errorf("the process %s did not begin to serve: %w: %s", p.command[0], err, lastLines(c.errors.String()))
	}
	return c, nil
}

// listen returns the next line that is for the parent, without its mark. Other
// output passes by, however long its lines are.
func (c *child) listen() ([]byte, error) {
	for {
		line, err := c.out.ReadSlice('\n')
		marked := bytes.HasPrefix(line, []byte(mark))
		whole := bytes.Clone(bytes.TrimPrefix(line, []byte(mark)))
		for errors.Is(err, bufio.ErrBufferFull) {
			if line, err = c.out.ReadSlice('\n'); marked {
				whole = append(whole, line...)
			}
		}
		if err != nil {
			return nil, err
		}
		if marked {
			return bytes.TrimSuffix(whole, []byte("\n")), nil
		}
	}
}

// Run makes a trial in a child. An error means that there is no child to make it
// in.
func (p *Pool) Run(ctx context.Context, t *trial.Trial) (*trial.Observation, error) {
	a, err := p.ask(ctx, pack(t), t.Limit)
	if err != nil {
		return nil, err
	}
	return &a.Observation, nil
}

// Errand has a child do something that is no trial. Where the observation did not
// end as [trial.Done], it says how it did, and there is no reply.
func (p *Pool) Errand(ctx context.Context, errand []byte, limit time.Duration) (reply []byte, o *trial.Observation, err error) {
	a, err := p.ask(ctx, request{Errand: errand}, limit)
	if err != nil {
		return nil, nil, err
	}
	if a.End == "" {
		a.End = trial.Done
	}
	return a.Reply, &a.Observation, nil
}

// ask has a child answer a request within a time.
func (p *Pool) ask(ctx context.Context, r request, limit time.Duration) (*answer, error) {
	c, err := p.child(ctx)
	if err != nil {
		return nil, fmt.Errorf("isolate: %w", err)
	}
	done := make(chan *answer, 1)
	go func() { done <- c.try(r) }()
	var late <-chan time.Time
	if limit > 0 {
		late = time.After(limit)
	}
	select {
	case a := <-done:
		if a.End == trial.Crashed {
			c.end()
			return a, nil
		}
		p.mu.Lock()
		p.idle = append(p.idle, c)
		p.mu.Unlock()
		return a, nil
	case <-late:
		c.end()
		return ended(trial.Hung, fmt.Sprintf("not done after %v: the process was ended", limit)), nil
	case <-ctx.Done():
		c.end()
		return nil, ctx.Err()
	}
}

func ended(end trial.End, text string) *answer {
	return &answer{Observation: trial.Observation{End: end, Text: text}}
}

// try sends a request and waits for the answer. A child that ends has crashed, and
// so has one whose answer cannot be read.
func (c *child) try(r request) *answer {
	a, err := c.exchange(r)
	if err == nil {
		return a
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, syscall.EPIPE) { // it is still there
		_ = c.cmd.Process.Kill()
		return ended(trial.Crashed, fmt.Sprintf("the process gave no answer that can be read: %v", err))
	}
	kill := time.AfterFunc(grace, func() { _ = c.cmd.Process.Kill() }) // of one that only closed its output
	defer kill.Stop()
	state := ""
	if waited := c.wait(); waited != nil {
		state = waited.Error() + ": "
	}
	return ended(trial.Crashed, "the process ended: "+state+lastLines(c.errors.String()))
}

// exchange sends a request and reads the answer.
func (c *child) exchange(r request) (*answer, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(c.in, "%s\n", base64.StdEncoding.EncodeToString(b)); err != nil {
		return nil, err
	}
	line, err := c.listen()
	if err != nil {
		return nil, err
	}
	var a answer
	if err := decode(line, &a); err != nil {
		return nil, err
	}
	if a.Outputs, err = decodeSets(a.Encoded); err != nil {
		return nil, err
	}
	if a.Seen != nil {
		a.Watched, err = codec.DecodeAll(a.Seen)
	}
	return &a, err
}

// lastLines shortens what a process wrote before it ended.
func lastLines(s string) string {
	const most = 1200
	if len(s) > most {
		s = "… " + s[len(s)-most:]
	}
	return s
}
