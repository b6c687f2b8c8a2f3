/** Frames that were captured, as they come while a capture runs. */
import { useInfiniteQuery } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { capturedFramesQuery, type FramesOf } from '../../api/captures.ts';

export function useCapturedFrames(of: FramesOf, isCapturing: boolean) {
  const list = useInfiniteQuery(capturedFramesQuery(of, isCapturing));
  const { refetch } = list;
  const wasCapturing = useRef(isCapturing);
  useEffect(() => {
    // The last of them came after the last look.
    if (wasCapturing.current && !isCapturing) void refetch();
    wasCapturing.current = isCapturing;
  }, [isCapturing, refetch]);
  return list;
}
