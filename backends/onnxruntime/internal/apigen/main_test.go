package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// header declares members in each of the ways that the real one uses, with
// declarations around them and comments that only look like members.
const header = `
#define ORT_API_VERSION 23
struct OrtOther {
  ORT_API2_STATUS(NotMine, int a);
};
struct OrtApi {
  /** \brief One. See ORT_API2_STATUS(InAComment, x). */
  OrtStatus*(ORT_API_CALL* CreateStatus)(OrtErrorCode code, _In_ const char* msg)NO_EXCEPTION;
  // ORT_CLASS_RELEASE(AlsoInAComment);
  ORT_API2_STATUS(CreateEnv, OrtLoggingLevel level,
                  _Outptr_ OrtEnv** out);
  ORT_CLASS_RELEASE(Env);  // trailing
  /** \since Version 1.22. */
  ORT_API_T(const OrtMemoryInfo*, EpDevice_MemoryInfo, _In_ const OrtEpDevice* d);
  /** \since Version 1.16. */
  const char*(ORT_API_CALL* GetBuildInfoString)(void);
};
struct OrtLater {
  ORT_API2_STATUS(NotMineEither, int a);
};
`

func TestParse(t *testing.T) {
	version, functions, err := parse(header)
	require.NoError(t, err)
	assert.Equal(t, 23, version)
	assert.Equal(t, []function{
		{"CreateStatus", 1}, {"CreateEnv", 1}, {"ReleaseEnv", 1}, {"EpDevice_MemoryInfo", 22},
		{"GetBuildInfoString", 22}, // what comes later in the table is not older
	}, functions)

	for _, broken := range []string{"", "#define ORT_API_VERSION 23\n", "#define ORT_API_VERSION 23\nstruct OrtApi {"} {
		_, _, err := parse(broken)
		assert.Error(t, err, broken)
	}
}

func TestGenerate(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "header.h"), filepath.Join(dir, "gen.go")
	require.NoError(t, os.WriteFile(in, []byte(header), 0o644))
	require.NoError(t, generate(in, out))
	source, err := os.ReadFile(out)
	require.NoError(t, err)
	assert.Contains(t, string(source), "const newestAPI = 23")
	assert.Contains(t, string(source), "ortReleaseEnv ")
	assert.Contains(t, string(source), `{"EpDevice_MemoryInfo", 22},`)
	assert.Error(t, generate(filepath.Join(dir, "none.h"), out))
}
