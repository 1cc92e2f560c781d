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
	Limit                       time.Duration
}

// answer is an observation on its way back.
type answer struct {
	trial.Observation
	Encoded [][]byte // the outputs
	Seen    []byte   // those with memory watched
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

// Serve makes the trials that are asked for on in, through a framework that may
// be nil, and answers on out, until in ends. A trial that is under way then has a moment to end.
func Serve(ctx context.Context, open trial.Open, f trial.Framework, in io.Reader, out io.Writer) error {
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
			go func() { done <- serve(ctx, open, f, r, out) }()
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

// serve makes a trial and answers.
func serve(ctx context.Context, open trial.Open, f trial.Framework, r request, out io.Writer) error {
	t, err := r.unpack()
	if err != nil {
		return err
	}
	t.Framework, t.Limit = f, 0 // the parent ends a child that hangs
	o := trial.Run(ctx, open, t)
	a := answer{Observation: *o, Seen: codec.All(o.Watched)}
	for _, set := range o.Outputs {
		a.Encoded = append(a.Encoded, codec.All(set))
	}
	a.Outputs, a.Watched = nil, nil
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
	c, err := p.child(ctx)
	if err != nil {
		return nil, fmt.Errorf("isolate: %w", err)
	}
	done := make(chan *trial.Observation, 1)
	go func() { done <- c.try(t) }()
	var late <-chan time.Time
	if t.Limit > 0 {
		late = time.After(t.Limit)
	}
	select {
	case o := <-done:
		if o.End == trial.Crashed {
			c.end()
			return o, nil
		}
		p.mu.Lock()
		p.idle = append(p.idle, c)
		p.mu.Unlock()
		return o, nil
	case <-late:
		c.end()
		return &trial.Observation{End: trial.Hung, Text: fmt.Sprintf("not done after %v: the process was ended", t.Limit)}, nil
	case <-ctx.Done():
		c.end()
		return nil, ctx.Err()
	}
}

// try sends a trial and waits for the answer. A child that ends has crashed, and
// so has one whose answer cannot be read.
func (c *child) try(t *trial.Trial) *trial.Observation {
	o, err := c.exchange(t)
	if err == nil {
		return o
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, syscall.EPIPE) { // it is still there
		_ = c.cmd.Process.Kill()
		return &trial.Observation{End: trial.Crashed, Text: fmt.Sprintf("the process gave no answer that can be read: %v", err)}
	}
	kill := time.AfterFunc(grace, func() { _ = c.cmd.Process.Kill() }) // of one that only closed its output
	defer kill.Stop()
	state := ""
	if waited := c.wait(); waited != nil {
		state = waited.Error() + ": "
	}
	return &trial.Observation{End: trial.Crashed, Text: "the process ended: " + state + lastLines(c.errors.String())}
}

// exchange sends a trial and reads the answer.
func (c *child) exchange(t *trial.Trial) (*trial.Observation, error) {
	b, err := json.Marshal(pack(t))
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
	a.Watched, err = codec.DecodeAll(a.Seen)
	return &a.Observation, err
}

// lastLines shortens what a process wrote before it ended.
func lastLines(s string) string {
	const most = 1200
	if len(s) > most {
		s = "… " + s[len(s)-most:]
	}
	return s
}
