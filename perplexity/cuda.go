package perplexity

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	ort "github.com/yalue/onnxruntime_go"
)

// openCUDA opens b's graph on a CUDA device. A library without the provider accepts the options and
// only fails when they are appended, a machine without a driver only when the session is made; each
// of the three errors means "no CUDA here" (TestDeviceFallsBackWithAReason).
func openCUDA(b *bundle, index string) (session, error) {
	provider := filepath.Join(
		filepath.Dir(loadedLibrary()),
		strings.Replace(libraryName(), "onnxruntime", "onnxruntime_providers_cuda", 1),
	)
	if _, err := os.Stat(provider); err != nil {
		return nil, errors.New(
			"this build of ONNX Runtime has no CUDA provider (scripts/fetch-onnxruntime --cuda installs one that has)",
		)
	}
	return newSession(b, func(o *ort.SessionOptions) error {
		cuda, err := ort.NewCUDAProviderOptions()
		if err != nil {
			return err
		}
		defer func() { _ = cuda.Destroy() }()
		// By default the arena doubles (arena_extend_strategy in the documentation of ONNX
		// Runtime's CUDA provider); growing by what is asked for leaves memory to others on the
		// card.
		err = cuda.Update(map[string]string{"device_id": index, "arena_extend_strategy": "kSameAsRequested"})
		if err != nil {
			return err
		}
		return o.AppendExecutionProviderCUDA(cuda)
	})
}

// How much of a card's memory a batch may take. A loss takes its row of the vocabulary in 32 bits
// three times (logits, their logarithms, and one of them on the way), and a token takes its part of
// the attention and of the layers' results, for which there is an allowance: graphs do not say how
// much that is. What the estimate gets wrong, smaller batches mend (see runBatch).
const (
	cudaBatchShare = 2 // the inverse of the share of what is free
	cudaTokenBytes = 1 << 20
	vocabularyRows = 3
)

// cudaBatch returns how many tokens a batch may have on a card with free bytes, at most
// cudaBatchTokens and at least cpuBatchTokens. Where free is not known, which 0 says, it takes the
// card for a small one.
func cudaBatch(free, vocab int) int {
	if free == 0 {
		free = 8 << 30
	}
	return min(max(free/cudaBatchShare/(cudaTokenBytes+vocabularyRows*4*vocab), cpuBatchTokens), cudaBatchTokens)
}

// freeMemory returns the bytes that are free on a CUDA device ("cuda:N"), or 0 where the driver's
// nvidia-smi does not tell.
//
// nolint:contextcheck // opening a model takes no context; this waits 5 s at most
func freeMemory(device string) int {
	_, index, _ := strings.Cut(device, ":")
	// The runtime counts the devices that this variable leaves, nvidia-smi all of them.
	if visible := strings.Split(os.Getenv("CUDA_VISIBLE_DEVICES"), ","); visible[0] != "" {
		if n, err := strconv.Atoi(index); err == nil && n < len(visible) {
			index = strings.TrimSpace(visible[n])
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "nvidia-smi", "--query-gpu=memory.free", "--format=csv,noheader,nounits", "-i",
		index).
		Output()
	if err != nil {
		return 0
	}
	mib, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		return 0
	}
	return mib << 20
}

// outOfMemory tells whether a run failed for want of memory: the runtime's arenas and CUDA each
// have words of their own for it (TestBatchesWithoutMemoryAreHalved).
func outOfMemory(err error) bool {
	if err == nil {
		return false
	}
	msg := strings.ToLower(err.Error())
	for _, sign := range []string{
		"failed to allocate memory", "out of memory", "bad_alloc",
		"cublas_status_alloc_failed",
	} {
		if strings.Contains(msg, sign) {
			return true
		}
	}
	return false
}
