f:
	movq	%rsp, %rbp
.L1:
	vfmadd231ps	%zmm1, %zmm2, %zmm3
	vfmadd231ps	-64(%rbp), %zmm2, %zmm3
	jne	.L1
