import type { CanActivate } from '@nestjs/common'
import type { Request } from 'express'
import type { FastifyRequest } from 'fastify'
import { Limiter, type Decision } from 'tidegate'
import { RateLimitGuard, type Options } from 'tidegate/nestjs'

const options: Options<Request> = { key: (request) => request.get('x-user') }
const guard: CanActivate = new RateLimitGuard('100/minute', options)
const onFastify = new RateLimitGuard<FastifyRequest>(new Limiter('9/second'), { cost: (request) => request.url.length })
const decided = (request: FastifyRequest): Decision | undefined => onFastify.decisionOf(request)

// @ts-expect-error a guard needs a quota
new RateLimitGuard()
// @ts-expect-error of the requests that it was told of
new RateLimitGuard<FastifyRequest>('1/second', { key: (request) => request.get('x-user') })
