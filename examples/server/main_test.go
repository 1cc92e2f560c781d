package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/png"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	digits "example.com/midplane/examples/digits/model"
	"example.com/midplane/models"
)

// start serves the model on a device until the test ends.
func start(t *testing.T, device string) *httptest.Server {
	t.Helper()
	s, err := models.LoadBytes(context.Background(), digits.ONNX, &models.Options{Devices: []string{device}})
	require.NoError(t, err)
	server := httptest.NewServer(handler(s))
	t.Cleanup(func() {
		server.Close()
		require.NoError(t, s.Close())
	})
	return server
}

func sample(t *testing.T, digit int) []byte {
	t.Helper()
	b, err := digits.Samples.ReadFile(fmt.Sprintf("samples/sample_%d.png", digit))
	require.NoError(t, err)
	return b
}

// post sends a body to /classify and returns status and answer.
func post(url string, body io.Reader) (int, []byte, error) {
	r, err := http.Post(url+"/classify", "image/png", body)
	if err != nil {
		return 0, nil, err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	return r.StatusCode, b, err
}

func encoded(t *testing.T, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, m))
	return b.Bytes()
}

// Many clients at once get the answers to their own pictures.
func TestClassify(t *testing.T) {
	for _, device := range []string{"cpu", "emu"} {
		server := start(t, device)
		var clients sync.WaitGroup
		for client := range 4 {
			clients.Go(func() {
				for i := range 10 {
					digit := (client + i) % 10
					status, b, err := post(server.URL, bytes.NewReader(sample(t, digit)))
					var a answer
					if !assert.NoError(t, err) || !assert.Equal(t, 200, status) || !assert.NoError(t, json.Unmarshal(b, &a)) {
						return
					}
					assert.Equal(t, digit, a.Digit)
					assert.Greater(t, a.Probability, float32(0.9))
					assert.Len(t, a.Probabilities, 10)
					assert.Equal(t, a.Probability, a.Probabilities[digit])
				}
			})
		}
		clients.Wait()
	}
}

func TestPicturesOfAnySizeAreScaled(t *testing.T) {
	small, err := png.Decode(bytes.NewReader(sample(t, 3)))
	require.NoError(t, err)
	large := image.NewNRGBA(image.Rect(0, 0, 84, 84))
	for i := range 84 * 84 {
		large.Set(i%84, i/84, small.At(i%84/3, i/84/3))
	}
	status, b, err := post(start(t, "cpu").URL, bytes.NewReader(encoded(t, large)))
	require.NoError(t, err)
	assert.Equal(t, 200, status)
	assert.Contains(t, string(b), `"digit":3,`)
}

func TestRefusals(t *testing.T) {
	server := start(t, "cpu")
	huge := encoded(t, image.NewGray(image.Rect(0, 0, 1, 1)))
	header := huge[12:29] // IHDR and its 13 bytes, before the checksum
	binary.BigEndian.PutUint32(header[4:], 1<<12)
	binary.BigEndian.PutUint32(header[8:], 1<<12)
	binary.BigEndian.PutUint32(huge[29:], crc32.ChecksumIEEE(header))
	for name, c := range map[string]struct {
		body   []byte
		status int
		says   string
	}{
		"nothing":       {nil, 415, "no PNG picture"},
		"text":          {[]byte("seven"), 415, "no PNG picture"},
		"cut off":       {sample(t, 7)[:200], 400, "png"},
		"a large file":  {bytes.Repeat([]byte{0}, maxBody+1), 413, "more than 1048576 bytes"},
		"a large image": {huge, 413, "4096×4096 pixels"},
	} {
		t.Run(name, func(t *testing.T) {
			status, b, err := post(server.URL, bytes.NewReader(c.body))
			require.NoError(t, err)
			assert.Equal(t, c.status, status)
			var said struct{ Error string }
			require.NoError(t, json.Unmarshal(b, &said), string(b))
			assert.Contains(t, said.Error, c.says)
		})
	}
	r, err := http.Get(server.URL + "/classify")
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	assert.Equal(t, http.StatusMethodNotAllowed, r.StatusCode)
}

func TestHealth(t *testing.T) {
	r, err := http.Get(start(t, "emu").URL + "/health")
	require.NoError(t, err)
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	assert.Equal(t, 200, r.StatusCode)
	assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
	assert.JSONEq(t, `{"status": "ok", "device": "emu:0"}`, string(b))
}

// watched tells when its first bytes were read.
type watched struct {
	io.Reader
	once sync.Once
	read chan struct{}
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	w.once.Do(func() { close(w.read) })
	return n, err
}

// A request that is under way when the end is asked for gets its answer; then
// the service ends, and takes no others.
func TestShutdownWaits(t *testing.T) {
	listener, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, listener, "cpu") }()
	url := "http://" + listener.Addr().String()

	body, feed := io.Pipe()
	answered := make(chan string, 1)
	begun := &watched{Reader: body, read: make(chan struct{})}
	go func() {
		status, b, err := post(url, begun)
		answered <- fmt.Sprint(status, " ", strings.TrimSpace(string(b)), " ", err)
	}()
	whole := sample(t, 5)
	_, err = feed.Write(whole[:100])
	require.NoError(t, err)
	<-begun.read
	require.Eventually(t, func() bool { // the server has the connection
		r, err := http.Get(url + "/health")
		return err == nil && r.Body.Close() == nil
	}, 5e9, 1e7)

	stop()
	require.Eventually(t, func() bool { // it takes no more
		c, err := net.Dial("tcp", listener.Addr().String())
		if err == nil {
			c.Close()
		}
		return err != nil
	}, 5e9, 1e7)
	select {
	case err := <-ended:
		t.Fatalf("the service ended before it had answered: %v", err)
	default:
	}
	_, err = feed.Write(whole[100:])
	require.NoError(t, err)
	require.NoError(t, feed.Close())
	assert.Regexp(t, `^200 {"digit":5,.*} <nil>$`, <-answered)
	assert.NoError(t, <-ended)
}

func TestServeErrors(t *testing.T) {
	listener, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	assert.ErrorContains(t, serve(context.Background(), listener, "warp"), "warp")
	_, err = listener.Accept()
	assert.ErrorIs(t, err, net.ErrClosed, "the listener is closed")
	closed, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	assert.True(t, errors.Is(serve(context.Background(), closed, "cpu"), net.ErrClosed))
}
