#include "textflag.h"

// func floatControl() uint32
TEXT ·floatControl(SB), NOSPLIT, $0-4
	MRS  FPCR, R0
	MOVW R0, ret+0(FP)
	RET

// func setFloatControl(mode uint32)
TEXT ·setFloatControl(SB), NOSPLIT, $0-4
	MOVWU mode+0(FP), R0
	MSR   R0, FPCR
	RET
